// client.models on the built library: what a person does with models, each with the bytes that moved.
import { expect, type Page, test } from '@playwright/test'
import { openHubServer } from '../src/testing/hub-server.ts'
import { tinyOnnx } from '../src/testing/tiny-onnx.ts'
import type { Hither } from './plain-project/main.ts'
import { type LyingServer, openLyingServer } from './support/lying-server.ts'
import { buildPlainProject } from './support/plain-project.ts'

declare const hither: Hither

const mib = 1024 * 1024
const row = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
/** y = x + addend: which revision answered shows in the answer. */
const adder = (addend: number) =>
  Buffer.from(
    tinyOnnx({
      inputs: [row('x')],
      outputs: [row('y')],
      nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
      initializers: [{ name: 'c', type: 'float32', dims: [1], data: new Float32Array([addend]) }],
    }),
  )
const canary = (expected: number) => ({
  inputs: [{ ...row('x'), data: [1] }],
  outputs: [{ ...row('y'), data: [expected] }],
})

let project: ReturnType<typeof buildPlainProject>
let server: LyingServer

test.beforeAll(async () => {
  project = buildPlainProject()
  server = await openLyingServer(project.appDir)
})
test.afterAll(async () => {
  await server.close()
})
test.beforeEach(() => server.forget())

const open = async (page: Page, storage: object = {}) => {
  await page.goto(server.origin)
  await page.evaluate((given) => hither.open({ storage: given, runtime: { backends: ['wasm'] } }), storage)
}
/** The answer for x = 0.5, and the revision that gave it. */
const run = async (page: Page, name: string) => {
  const answer = await page.evaluate((model) => hither.run(model, [1], { privacy: 'edge-only' }), name)
  return 'first' in answer ? [answer.first, answer.route.revision] : answer.error
}

test('a newer revision serves only after its canary answered; one that answers wrongly never does', async ({
  page,
}) => {
  server.publish('adder', adder(1), { revision: '1', canary: canary(2) })
  await open(page)
  expect(await run(page, 'adder')).toEqual([1.5, '1'])

  server.publish('adder', adder(2), { revision: '2', canary: canary(9) })
  server.serial += 1
  const update = () => page.evaluate(() => hither.settle((client) => client.models.update('adder')))
  expect(await update()).toMatchObject({ error: expect.arrayContaining(['model-wrong-answer']) })
  expect(await run(page, 'adder')).toEqual([1.5, '1'])
  await open(page)
  expect(await run(page, 'adder')).toEqual([1.5, '1'])
  expect(await update()).toBe('1')

  server.publish('adder', adder(3), { revision: '3', canary: canary(4) })
  server.serial += 1
  await open(page, { autoUpdate: false })
  expect(await run(page, 'adder')).toEqual([1.5, '1'])
  await open(page)
  expect(await run(page, 'adder')).toEqual([1.5, '1'])
  // Asked for by nobody: it comes beside the one that answered.
  await expect.poll(() => run(page, 'adder')).toEqual([3.5, '3'])
  expect(await update()).toBe('3')
  await open(page)
  expect(await run(page, 'adder')).toEqual([3.5, '3'])
  const usage = await page.evaluate(() => hither.settle((client) => client.models.usage()))
  expect(usage).toMatchObject({ models: [{ name: 'adder', revision: '3' }], totalBytes: adder(3).length })

  server.withdrawn.push({ name: 'adder', revision: '3' })
  server.serial += 1
  await open(page)
  expect(await run(page, 'adder')).toEqual(expect.arrayContaining(['model-withdrawn']))
  expect(await page.evaluate(() => hither.settle((client) => client.models.usage()))).toMatchObject({ totalBytes: 0 })
})

test('a dropped file runs; it goes out as a .zip and into a folder, and comes back without a network', async ({
  page,
  context,
}) => {
  await open(page)
  const bytes = [...adder(7)]
  const added = await page.evaluate(
    (content) => hither.settle((client) => client.models.add(new File([new Uint8Array(content)], 'plus seven.onnx'))),
    bytes,
  )
  expect(added).toMatchObject({ name: 'plus-seven', added: true, state: { status: 'stored' } })
  expect((await run(page, 'plus-seven'))[0]).toBe(7.5)

  const paths = await page.evaluate(async () => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('out', { create: true })
    const zip = await hither.settle((client) => client.models.export('plus-seven'))
    await hither.settle((client) => client.models.export('plus-seven', { to: root }))
    await hither.settle((client) => client.models.remove('plus-seven'))
    const names = await hither.settle(async (client) => (await client.models.list()).map(({ name }) => name))
    Object.assign(globalThis, { zip, root })
    return names
  })
  expect(paths).not.toContain('plus-seven')

  await context.setOffline(true)
  for (const from of ['zip', 'root'] as const) {
    const imported = await page.evaluate(
      (key) =>
        hither.settle((client) =>
          client.models.import(
            (globalThis as unknown as Record<string, Blob | FileSystemDirectoryHandle>)[key] as Blob,
          ),
        ),
      from,
    )
    expect(imported).toMatchObject([{ name: 'plus-seven', state: { status: 'stored' } }])
    expect(await page.evaluate(() => hither.settle((client) => client.models.verify('plus-seven')))).toMatchObject({
      ok: true,
    })
    await page.evaluate(() => hither.settle((client) => client.models.remove('plus-seven')))
  }
  await context.setOffline(false)
  const wrong = await page.evaluate(() => hither.settle((client) => client.models.import(new Blob(['no zip at all']))))
  expect(wrong).toMatchObject({ error: expect.arrayContaining(['import-invalid']) })
})

test('an address of a file runs, too', async ({ page }) => {
  server.files.set('/elsewhere/plus.onnx', { bytes: adder(5), etag: '"five"' })
  await open(page)
  const added = await page.evaluate(() => hither.settle((client) => client.models.add('/elsewhere/plus.onnx')))
  expect(added).toMatchObject({ name: 'plus', added: true })
  expect((await run(page, 'plus'))[0]).toBe(5.5)
})

test('a repository on a hub runs, its weights in a file of their own; the token stays with the hub', async ({
  page,
}) => {
  const outside = tinyOnnx({
    inputs: [row('x')],
    outputs: [row('y')],
    nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
    initializers: [
      { name: 'c', type: 'float32', dims: [1], data: new Float32Array([8]), file: 'model_quantized.onnx_data' },
    ],
  })
  const text = (content: string) => new TextEncoder().encode(content)
  const hub = await openHubServer(
    'owner/tiny',
    {
      'config.json': text('{"model_type":"tiny"}'),
      'tokenizer.json': text('{}'),
      'onnx/model.onnx': adder(9),
      'onnx/model_quantized.onnx': outside,
      'onnx/model_quantized.onnx_data': new Uint8Array(new Float32Array([8]).buffer),
    },
    { token: 'secret' },
  )
  try {
    await open(page, { tokens: { [hub.origin]: 'secret' } })
    const address = `${hub.origin}/owner/tiny`
    const added = await page.evaluate((url) => hither.settle((client) => client.models.add(url)), address)
    expect(added).toMatchObject({ name: 'tiny', revision: hub.revision, precision: 'int8', added: true })
    expect(await run(page, 'tiny')).toEqual([8.5, hub.revision])
    // Every weight came over a redirect to another origin.
    const weights = hub.requests.filter(({ origin }) => origin === 'files')
    expect(weights.map(({ path }) => path).toSorted()).toEqual([
      '/onnx/model_quantized.onnx',
      '/onnx/model_quantized.onnx_data',
    ])
    for (const { origin, authorization } of hub.requests) {
      expect(authorization).toBe(origin === 'hub' ? 'Bearer secret' : undefined)
    }
  } finally {
    await hub.close()
  }
})

test('a pause holds over a reload, and resuming moves only the rest', async ({ page }) => {
  server.publish('paused', 20 * mib)
  await open(page, { connections: 1 })
  server.lies = [{ stallAt: 9 * mib }]
  const download = page.evaluate(() => hither.settle((client) => client.models.download('paused')))
  await expect
    .poll(() => page.evaluate(() => hither.settle(async (client) => (await client.models.size('paused')).storedBytes)))
    .toBe(8 * mib)
  await page.evaluate(() => hither.settle((client) => client.models.pause('paused')))
  expect(await download).toMatchObject({ error: expect.arrayContaining(['download-paused']) })
  await open(page, { connections: 1 })
  const state = () => page.evaluate(() => hither.settle((client) => client.models.state('paused')))
  expect(await state()).toEqual({ status: 'paused', loadedBytes: 8 * mib, totalBytes: 20 * mib })
  expect(await page.evaluate(() => hither.settle((client) => client.models.download('paused')))).toMatchObject({
    error: expect.arrayContaining(['download-paused']),
  })
  server.forget()
  await page.evaluate(() => hither.settle((client) => client.models.resume('paused')))
  await expect
    .poll(() => page.evaluate(() => hither.settle(async (client) => (await client.models.size('paused')).storedBytes)))
    .toBe(20 * mib)
  expect(server.sentBytes()).toBe(12 * mib)
})

test('encrypted at rest: it runs, also after a reload, and no weight lies readable in the database', async ({
  page,
}) => {
  const weights = Buffer.from('readable weights of a model ')
  server.publish('secret', Buffer.concat([adder(4), Buffer.alloc(0)]))
  server.publish('vault', Buffer.alloc(3 * mib, weights))
  await open(page, { encrypt: true })
  expect((await run(page, 'secret'))[0]).toBe(4.5)
  await page.evaluate(() => hither.settle((client) => client.models.download('vault')))
  await open(page, { encrypt: true })
  server.forget()
  expect((await run(page, 'secret'))[0]).toBe(4.5)
  expect(await page.evaluate(() => hither.settle((client) => client.models.verify('vault')))).toMatchObject({
    ok: true,
  })
  expect(server.requests).toEqual([])
  const found = await page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('hither-chunks')
      request.onsuccess = () => resolve(request.result)
    })
    const values = await new Promise<{ blob: Blob }[]>((resolve) => {
      const request = database.transaction('keyval').objectStore('keyval').getAll()
      request.onsuccess = () => resolve(request.result)
    })
    const texts = await Promise.all(values.map(({ blob }) => blob.text()))
    return { chunks: texts.length, readable: texts.filter((text) => text.includes('readable weights')).length }
  })
  expect(found).toEqual({ chunks: 2, readable: 0 })
})

test('a licence that must be accepted is asked for before the first byte', async ({ page }) => {
  server.publish('licensed', adder(6), { license: { name: 'Their licence', mustAccept: true } })
  await open(page)
  const download = () => page.evaluate(() => hither.settle((client) => client.models.download('licensed')))
  const models = (await page.evaluate(() => hither.client?.models.list())) ?? []
  expect(models.find(({ name }) => name === 'licensed')).toMatchObject({
    license: { name: 'Their licence', mustAccept: true, accepted: false },
    state: { status: 'absent' },
  })
  // Nor does a request fetch it; at once or after a refusal, the error names the licence.
  expect(await run(page, 'licensed')).toEqual(expect.arrayContaining(['no-arm', 'license-not-accepted']))
  expect(await download()).toMatchObject({ error: expect.arrayContaining(['license-not-accepted']) })
  expect(await run(page, 'licensed')).toEqual(['NoArmError', 'no-arm', expect.stringContaining('(Their licence)')])
  expect(server.requests).toEqual([])
  await page.evaluate(() => hither.settle((client) => client.models.acceptLicense('licensed')))
  expect((await run(page, 'licensed'))[0]).toBe(6.5)
})

test('what one tab removes or adds anew, no other tab goes on answering with', async ({ page, context }) => {
  const other = await context.newPage()
  await open(page)
  await open(other)
  const add = (addend: number) =>
    page.evaluate(
      (content) => hither.settle((client) => client.models.add(new File([new Uint8Array(content)], 'mine.onnx'))),
      [...adder(addend)],
    )
  await add(1)
  expect((await run(other, 'mine'))[0]).toBe(1.5)
  // Other bytes of the same name are kept beside it.
  expect(await add(2)).toMatchObject({ name: 'mine-2' })
  expect((await run(other, 'mine'))[0]).toBe(1.5)
  await page.evaluate(() => hither.settle((client) => client.models.remove('mine')))
  expect(await run(other, 'mine')).toEqual(expect.arrayContaining(['unknown-model']))
  expect(await add(3)).toMatchObject({ name: 'mine' })
  expect((await run(other, 'mine'))[0]).toBe(3.5)
})

test('a tab that is closed while it adds a model leaves nothing at the next start', async ({ page, context }) => {
  await open(page)
  await page.evaluate(
    (content) => {
      // The model's record can't be written: its files lie there without one.
      void navigator.locks.request('hither-records', () => new Promise(() => {}))
      void hither.client?.models.add(new File([new Uint8Array(content)], 'cut.onnx'))
    },
    [...adder(1)],
  )
  const usage = (from: Page) =>
    from.evaluate(async () => {
      const { models, totalBytes } = (await hither.client?.models.usage()) ?? {}
      return [models?.length, totalBytes]
    })
  await expect.poll(() => usage(page)).toEqual([0, adder(1).length])
  const next = await context.newPage()
  await page.close()
  await open(next)
  await expect.poll(() => usage(next)).toEqual([0, 0])
})

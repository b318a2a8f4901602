// What others can see of a request: those between the page and the endpoint, the endpoint's disk and logs, the browser's disk.
import { expect, type Page, test } from '@playwright/test'
import type { ReportMode, RunOptions } from '../dist/index.js'
import type { Hither } from './plain-project/main.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { createProfile } from './support/profile.ts'
import { bytesOf, holds } from './support/recording-proxy.ts'
import { type Served, serveApp } from './support/served.ts'

declare const hither: Hither
/** Asked of the test. */
declare const nextToken: () => Promise<string>

const reportsPath = '/hither/v1/reports'

let appDir: string
let served: Served
test.beforeAll(() => {
  appDir = buildPlainProject().appDir
})
test.afterEach(() => served.close())

const passed = (wanted: (path: string) => boolean) =>
  served.proxy.passed.filter(({ path }) => wanted(path)).flatMap(bytesOf)
const all = () => passed(() => true)

const model = 'language-identification'
const ask = (page: Page, text: string, options: RunOptions) =>
  page.evaluate(
    ([name, given, own]) =>
      hither.settle(async (client) => client.task('text-classification', { model: name }).run(given, own)),
    [model, text, options] as const,
  )

test('no input is in what is sent, in the database or in the logs, and no answer unless the site asks for answers', async ({
  page,
}) => {
  served = await serveApp({ appDir })
  const word = `quokka${crypto.randomUUID()}`
  /** Gives probabilities as text, of each answer some: of requests on both sides, and of one that must stay here. */
  const askAll = async (report: ReportMode) => {
    await page.goto(served.origin)
    await page.evaluate(
      ([url, mode]) => hither.open({ endpoint: { url }, report: mode, catalog: '/models/catalog.json' }),
      [served.origin, report] as const,
    )
    await page.evaluate((name) => hither.settle((client) => client.prepare(name)), model)
    const answers: string[][] = []
    for (const [privacy, text] of [
      ['cloud-only', `Wer ${word} zuletzt lacht, lacht am besten.`],
      ['prefer-edge', `Quand on veut ${word}, on peut.`],
      ['edge-only', `Rozumiem tylko trochę ${word}.`],
    ] as const) {
      const result = await ask(page, text, { privacy, cascade: false })
      if ('error' in result) throw new Error(String(result.error))
      expect(result.route.ran).toBe(privacy === 'cloud-only' ? 'cloud' : 'edge')
      answers.push((JSON.stringify(result.answer).match(/0\.\d{10,}/g) ?? []).slice(0, 3))
      expect(answers.at(-1)).not.toEqual([])
    }
    served.proxy.answer((path) => (path.endsWith('/infer') ? { status: 500, body: '{"error":"forced"}' } : undefined))
    expect(await ask(page, `Nie ${word}`, { privacy: 'cloud-only' })).toMatchObject({
      error: expect.arrayContaining(['NoArmError', 'cloud-failed']),
    })
    served.proxy.answer(() => undefined)
    await page.evaluate(() => hither.settle((client) => client.outbox.flush()))
    expect(await page.evaluate(() => hither.settle((client) => client.outbox.state()))).toMatchObject({ waiting: 0 })
    return answers
  }
  const answers = await askAll('routes')
  expect(await served.reports()).toHaveLength(4)
  for (const text of [word, ...answers.flat()]) {
    expect(holds(all(), text), text).toBe(false)
    expect(holds(served.files(), text), text).toBe(false)
    expect(served.log()).not.toContain(text)
  }
  expect(served.log()).toContain(reportsPath)

  // That the scan finds what is there. A page of the database may end in the midst of a figure, not of each.
  const [cloud = [], edge = [], kept = []] = await askAll('results')
  for (const figures of [cloud, edge]) {
    const inBatches = passed((path) => path === reportsPath)
    expect(figures.some((text) => holds(inBatches, text))).toBe(true)
    expect(figures.some((text) => holds(served.files(), text))).toBe(true)
    for (const text of figures) expect(served.log()).not.toContain(text)
  }
  // What had to stay on the device stays there, answer and all.
  for (const text of [word, ...kept]) expect(holds([...all(), ...served.files()], text), text).toBe(false)
})

const size = 28 * 28
const pixels = () => Array.from({ length: size }, () => Math.floor(Math.random() * 256))
const toBytes = (values: readonly number[]) => Buffer.from(new Float32Array(values).buffer)

/** Asks the cloud about a picture. */
const askDigits = (page: Page, image: readonly number[]) =>
  page.evaluate(
    (given) =>
      hither.settle(async (client, Tensor) => {
        const input = new Tensor('uint8', new Uint8Array(given), [1, 1, 28, 28])
        const { outputs } = await client.run('digits', { image: input }, { privacy: 'cloud-only' })
        return Object.values(outputs).flatMap(({ data }) => [...(data as Float32Array)])
      }),
    image,
  )

test('sealed, neither request nor answer can be read on the way, the answer is right, and new keys stop nothing', async ({
  page,
}) => {
  served = await serveApp({ appDir })
  const open = async (sealed: boolean) => {
    await page.goto(served.origin)
    await page.evaluate(([url, isSealed]) => hither.open({ endpoint: { url, sealed: isSealed } }), [
      served.origin,
      sealed,
    ] as const)
  }
  const image = pixels()
  const sought = Buffer.from(image).subarray(64, 192)
  const numbers = async (given: readonly number[]) => {
    const answer = await askDigits(page, given)
    if ('error' in answer) throw new Error(String(answer.error))
    return answer
  }
  await open(true)
  const answer = await numbers(image)
  expect(answer).toHaveLength(10)
  const infers = () => served.proxy.passed.filter(({ path }) => path.endsWith('/infer'))
  expect(infers()).toHaveLength(1)
  expect(holds(all(), sought)).toBe(false)
  expect(holds(all(), toBytes(answer))).toBe(false)

  // Another process has other keys: those that this page holds are good for nothing.
  await served.restart()
  expect(await numbers(image)).toEqual(answer)
  const statuses = infers().map(({ status }) => status)
  expect(statuses).toEqual([200, 422, 200])
  expect(served.proxy.passed.filter(({ path }) => path === '/.well-known/hither-keys')).toHaveLength(2)
  expect(holds(all(), sought)).toBe(false)
  expect(holds(all(), toBytes(answer))).toBe(false)

  // That the scan finds what is there.
  await open(false)
  expect(await numbers(image)).toEqual(answer)
  expect(holds(all(), sought)).toBe(true)
  expect(holds(all(), toBytes(answer))).toBe(true)
  expect([...served.files(), Buffer.from(served.log())].some((file) => holds([file], sought))).toBe(false)
})

test('a request says which trace it is part of, where the page names one', async ({ page }) => {
  served = await serveApp({ appDir })
  const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`
  await page.goto(served.origin)
  await page.evaluate(([url, part]) => hither.open({ endpoint: { url, traceparent: () => part } }), [
    served.origin,
    traceparent,
  ] as const)
  expect(await askDigits(page, pixels())).toHaveLength(10)
  const infers = served.proxy.passed.filter(({ path }) => path.endsWith('/infer'))
  expect(infers.map(({ requestHeaders }) => requestHeaders.traceparent)).toEqual([traceparent])
})

test('52: a token that has ended is renewed once; no token is on the disk of the browser or of the endpoint', async () => {
  served = await serveApp({ appDir, withTokens: true })
  const good = served.token('infer:*')
  // Of another endpoint: refused, as one that has ended is.
  const bad = `${good.slice(0, -8)}AAAAAAAA`
  const profile = createProfile()
  try {
    const page = await (await profile.open()).newPage()
    await page.goto(served.origin)
    await page.exposeFunction('nextToken', () =>
      served.proxy.passed.some(({ status }) => status === 401) ? good : bad,
    )
    await page.evaluate((url) => hither.open({ endpoint: { url, token: () => nextToken() } }), served.origin)
    expect(await askDigits(page, pixels())).toHaveLength(10)
    const sent = served.proxy.passed.filter(({ requestHeaders }) => requestHeaders.authorization !== undefined)
    const refused = sent.filter(({ status }) => status === 401)
    expect(refused.length).toBeGreaterThan(0)
    for (const { path, requestHeaders } of refused) {
      expect(requestHeaders.authorization).toBe(`Bearer ${bad}`)
      const again = sent.filter((other) => other.path === path).map(({ status }) => status)
      expect(again).toEqual([401, 200])
    }
    expect(sent.findLast(({ path }) => path.endsWith('/infer'))?.status).toBe(200)
    // What waits is kept with what a service worker needs to send it.
    served.proxy.answer((path) => (path === reportsPath ? { status: 503, body: '{}' } : undefined))
    await page.evaluate(() => hither.settle((client) => client.outbox.flush()))
    expect(await page.evaluate(() => hither.settle((client) => client.outbox.state()))).toMatchObject({ waiting: 1 })
    await page.evaluate(() => hither.settle((client) => client.close()))
    // That the scan finds what is there.
    const probe = `${crypto.randomUUID()}${crypto.randomUUID()}`
    await page.evaluate((text) => localStorage.setItem('probe', text), probe)
    await page.evaluate(
      (text) =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open('probe')
          opening.onupgradeneeded = () => opening.result.createObjectStore('probe')
          opening.onsuccess = () => {
            const { transaction } = opening.result.transaction('probe', 'readwrite').objectStore('probe').put(text, 1)
            if (transaction) transaction.oncomplete = () => resolve()
          }
        }),
      `indexed-${probe}`,
    )
    await profile.close()
    const files = profile.files()
    expect(holds(files, probe)).toBe(true)
    expect(holds(files, `indexed-${probe}`)).toBe(true)
    for (const token of [good, bad]) {
      const [, claims = '', signature = ''] = token.split('.')
      for (const part of [token, claims, signature]) {
        expect(holds(files, part)).toBe(false)
        expect(holds([...served.files(), Buffer.from(served.log())], part)).toBe(false)
      }
    }
  } finally {
    await profile.close()
    profile.remove()
  }
})

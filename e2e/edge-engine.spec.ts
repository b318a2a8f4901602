import { expect, test } from '@playwright/test'
import type { RouteRecord } from '../src/contracts/route.ts'
import type { Hither } from './plain-project/main.ts'
import { injectIntoWorker, rememberWebgpuAsFastest } from './support/edge-worker-faults.ts'
import {
  closeClient,
  type EngineSite,
  openEngineSite,
  run,
  small,
  softwareAdapter,
  withBrowser,
} from './support/engine-site.ts'

declare const hither: Hither

let site: EngineSite
test.beforeAll(async () => {
  site = await openEngineSite()
})
test.afterAll(() => site.close())

test('a session keeps its state, models run as one, and buffers can be handed over', async ({ page }) => {
  await site.openClient(page)
  const answers = await page.evaluate(() =>
    hither.settle(async (client, Tensor) => {
      const tensor = (x: number) => new Tensor('float32', [x], [1])
      const sums: number[] = []
      const session = await client.openSession('summing')
      // The manifest's state is kept, and nothing else is left to answer.
      const both = await client.openSession({
        steps: [{ model: 'doubling' }, { model: 'summing' }],
        outputs: ['total'],
      })
      for (const x of [1, 2, 3]) sums.push(Number((await both.run({ x: tensor(x) })).outputs.total?.data[0]))
      both.reset()
      sums.push(Number((await both.run({ x: tensor(5) })).outputs.total?.data[0]))
      const given = tensor(7)
      sums.push(Number((await both.run({ x: given }, { transfer: true })).outputs.total?.data[0]))
      const missing = await session.run({}).catch((error) => error.code)
      const unknown = await client.openSession('no-such-model').catch((error) => error.code)
      await both.close()
      const closed = await both.run({ x: tensor(1) }).catch((error) => error.code)
      const plain = tensor(4)
      const { outputs } = await client.run('doubling', { x: plain }, { transfer: true, privacy: 'edge-only' })
      const left = [given, plain].map((gone) => (gone.data as Float32Array).length)
      return { sums, inputs: both.inputs, missing, unknown, closed, doubled: outputs.y?.data[0], left }
    }),
  )
  expect(answers).toEqual({
    sums: [2, 6, 12, 10, 24],
    inputs: ['x'],
    missing: 'input-missing',
    unknown: 'unknown-model',
    closed: 'edge-session-lost',
    doubled: 8,
    left: [0, 0],
  })
})

test('20: what the adapter or the memory is too small for is refused before its download, with the reason', () =>
  withBrowser(softwareAdapter, async (context) => {
    const page = await context.newPage()
    const fetched: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('model.onnx')) fetched.push(request.url())
    })
    await site.openClient(page)
    const refusals = await page.evaluate(async () => {
      const answers = []
      for (const name of ['half', 'wide', 'huge']) answers.push(await hither.settle((client) => client.prepare(name)))
      return answers
    })
    const refusal = (sentence: RegExp) => ({
      error: ['CapabilityError', 'model-unsupported', expect.stringMatching(sentence)],
    })
    expect(refusals).toEqual([
      refusal(/cannot run Half: it needs 16-bit floats, which this graphics processor lacks/),
      refusal(/cannot run Wide: it needs buffers of \d+ MB, and this graphics processor allows \d+ MB/),
      refusal(/cannot run Huge: it needs \d+ MB of memory, and models may take \d+ MB here/),
    ])
    expect(fetched).toEqual([])
    expect(await run(page, 'doubling', [1])).toMatchObject({ first: 1, route: { ran: 'edge', backend: 'wasm' } })
    expect(fetched).toHaveLength(1)
  }))

test('28: a page without cross-origin isolation runs on one thread, with the same results', async ({ page }) => {
  await site.openClient(page)
  const isolated = await run(page, 'light', small)
  await closeClient(page)
  await page.route(`${site.origin}/`, async (route) => {
    const response = await route.fetch()
    const { 'cross-origin-opener-policy': _, 'cross-origin-embedder-policy': __, ...headers } = response.headers()
    await route.fulfill({ response, headers })
  })
  await site.openClient(page)
  const alone = await run(page, 'light', small)
  expect(alone).toMatchObject({ route: { ran: 'edge', backend: 'wasm' } })
  expect(await page.evaluate(() => hither.client?.device())).toMatchObject({ crossOriginIsolated: false, threads: 1 })
  const firstOf = (answer: typeof alone) => ('first' in answer ? answer.first : Number.NaN)
  expect(Math.abs(firstOf(alone) - firstOf(isolated))).toBeLessThan(1e-3)
})

test('a model that runs slower than another backend is predicted to is tried there, and moves over', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'onlyReadBackTakesTime')
    const page = await context.newPage()
    await site.openClient(page)
    await run(page, 'doubling', [1])
    await closeClient(page)
    await rememberWebgpuAsFastest(page, 'light@1', 'only')
    await site.openClient(page)
    const onWebgpu = await run(page, 'light', small)
    expect(onWebgpu).toMatchObject({ route: { backend: 'webgpu' } })
    // Nothing runs, so it is timed again, tried elsewhere and moved.
    await expect.poll(() => page.evaluate(() => hither.client?.device().chosen)).toBe('wasm')
    const onWasm = await run(page, 'light', small)
    expect(onWasm).toMatchObject({ route: { ran: 'edge', backend: 'wasm' } })
    // Alike within the tolerance that the manifest states.
    expect('first' in onWasm && 'first' in onWebgpu && Math.abs(onWasm.first - onWebgpu.first)).toBeLessThan(1e-3)
  }))

test('models that take turns in the memory for one keep to the graphics processor: giving it up is no loss of it', () =>
  withBrowser(softwareAdapter, async (context) => {
    const page = await context.newPage()
    let workers = 0
    page.on('worker', (worker) => {
      if (worker.url().includes('edge.worker')) workers += 1
    })
    // Either takes 8 MB and a little.
    await site.openClient(page, { runtime: { backends: ['webgpu'], memoryBytes: 10_000_000 } })
    const dimsOf = { light: small, doubling: [1] }
    for (let turn = 0; turn < 3; turn += 1) {
      for (const [model, dims] of Object.entries(dimsOf)) {
        const { route } = (await run(page, model, dims)) as { route: RouteRecord }
        expect(route).toMatchObject({ ran: 'edge', backend: 'webgpu', attempts: [{ arm: 'edge' }] })
        expect(route.attempts[0]).not.toHaveProperty('error')
      }
    }
    expect(workers).toBe(1)
  }))

test('29: loads, unloads and runs leave the memory flat', () =>
  withBrowser(['--enable-blink-features=ForceEagerMeasureMemory'], async (context) => {
    const page = await context.newPage()
    await site.openClient(page, { runtime: { memoryBytes: 20_000_000, threads: 1 } })
    const cycle = (times: number) =>
      page.evaluate(
        async ([count, shape]) => {
          const { client } = hither
          for (let turn = 0; turn < count; turn += 1) {
            for (const name of ['left', 'right']) {
              await client?.prepare(name)
              await hither.run(name, shape, { privacy: 'edge-only' })
            }
          }
          type Measured = Performance & { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
          return (await (performance as Measured).measureUserAgentSpecificMemory()).bytes
        },
        [times, small] as const,
      )
    const before = await cycle(5)
    const after = await cycle(20)
    expect(after - before).toBeLessThan(4e6)
  }))

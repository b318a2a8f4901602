import { type Browser, type BrowserContext, chromium, expect, type Page, test } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { RouteRecord } from '../src/contracts/route.ts'
import type { Hither } from './plain-project/main.ts'
import { injectIntoWorker, rememberWebgpuAsFastest } from './support/edge-worker-faults.ts'
import { writeEngineModels } from './support/engine-models.ts'
import { freezeRenderers } from './support/freeze-renderers.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'

declare const hither: Hither

let project: ReturnType<typeof buildPlainProject>
let models: Awaited<ReturnType<typeof writeEngineModels>>
let site: Site

test.beforeAll(async () => {
  project = buildPlainProject()
  models = await writeEngineModels()
  site = await openSite({
    appDir: project.appDir,
    modelsDir: models.modelsDir,
    link: { roundTripMs: 4, bitsPerSecond: 200e6 },
  })
})
test.afterAll(async () => {
  await site.close()
  models.remove()
})

const small = [1, 1, 32, 32]
const large = [1, 1, 64, 64]
const openClient = async (page: Page, options: Parameters<Hither['open']>[0] = {}, cloud = false) => {
  await page.goto(site.origin)
  await page.evaluate((given) => hither.open(given), {
    ...options,
    ...(cloud ? { endpoint: { url: site.endpointOrigin } } : {}),
  })
}
const run = (page: Page, model: string, dims: number[], options = {}) =>
  page.evaluate(([name, shape, given]) => hither.run(name, shape, given), [model, dims, options] as const)
/** Runs in one go, as many as asked for; the answers in the order of the calls. */
const runMany = (page: Page, model: string, dims: number[], count: number, options = {}) =>
  page.evaluate(
    ([name, shape, times, given]) => Promise.all(Array.from({ length: times }, () => hither.run(name, shape, given))),
    [model, dims, count, options] as const,
  )
const close = (page: Page) => page.evaluate(() => hither.client?.close())

const withBrowser = async (
  args: readonly string[],
  work: (context: BrowserContext, browser: Browser) => Promise<void>,
) => {
  const browser = await chromium.launch({ executablePath: findBrowser(), args: [...browserArgs, ...args] })
  try {
    await work(await browser.newContext(), browser)
  } finally {
    await browser.close()
  }
}
const softwareAdapter = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

test('a session keeps its state, models run as one, and buffers can be handed over', async ({ page }) => {
  await openClient(page)
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
    await openClient(page)
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
  await openClient(page)
  const isolated = await run(page, 'light', small)
  await close(page)
  await page.route(`${site.origin}/`, async (route) => {
    const response = await route.fetch()
    const { 'cross-origin-opener-policy': _, 'cross-origin-embedder-policy': __, ...headers } = response.headers()
    await route.fulfill({ response, headers })
  })
  await openClient(page)
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
    await openClient(page)
    await run(page, 'doubling', [1])
    await close(page)
    await rememberWebgpuAsFastest(page, 'light@1', 'only')
    await openClient(page)
    const onWebgpu = await run(page, 'light', small)
    expect(onWebgpu).toMatchObject({ route: { backend: 'webgpu' } })
    // Nothing runs, so it is timed again, tried elsewhere and moved.
    await expect.poll(() => page.evaluate(() => hither.client?.device().chosen)).toBe('wasm')
    const onWasm = await run(page, 'light', small)
    expect(onWasm).toMatchObject({ route: { ran: 'edge', backend: 'wasm' } })
    // Alike within the tolerance that the manifest states.
    expect('first' in onWasm && 'first' in onWebgpu && Math.abs(onWasm.first - onWebgpu.first)).toBeLessThan(1e-3)
  }))

test('21: a run whose graphics device is lost in its midst is answered by a new worker, and a session goes on', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'watchDevices')
    const page = await context.newPage()
    await openClient(page, { runtime: { backends: ['webgpu'] } })
    const before = await run(page, 'light', small)
    expect(before).toMatchObject({ route: { ran: 'edge', backend: 'webgpu' } })
    const worker = () => page.workers().findLast((candidate) => candidate.url().includes('edge.worker'))
    const loseDevice = () =>
      worker()?.evaluate(() => {
        for (const device of (globalThis as { devices?: GPUDevice[] }).devices ?? []) device.destroy()
      })
    await worker()?.evaluate(() => Object.assign(globalThis, { loseInRun: true }))
    expect(await run(page, 'light', small)).toMatchObject({
      first: 'first' in before ? before.first : Number.NaN,
      route: { ran: 'edge', backend: 'webgpu', attempts: [{ error: 'edge-device-lost' }, { arm: 'edge' }] },
    })
    // Its state lies on the graphics processor between runs, and a copy of it beside the worker.
    const add = (values: readonly number[]) =>
      page.evaluate(
        (given) =>
          hither.settle(async (client, Tensor) => {
            const page = globalThis as { session?: ReturnType<typeof client.openSession> }
            page.session ??= client.openSession({ steps: [{ model: 'summing' }], outputs: ['total'] })
            const session = await page.session
            const answers: unknown[] = []
            for (const value of given) {
              const { outputs, backend } = await session.run({ y: new Tensor('float32', [value], [1]) })
              answers.push(outputs.total?.data[0], backend)
            }
            return answers
          }),
        values,
      )
    expect(await add([1, 2])).toEqual([1, 'webgpu', 3, 'webgpu'])
    await loseDevice()
    expect(await add([4])).toEqual([7, 'webgpu'])
    // 200 kB of state stay where they are: what is read back is the answers.
    await page.evaluate(() =>
      hither.settle(async (client, Tensor) => {
        const session = await client.openSession('remembering')
        const add = async (x: number) =>
          (await session.run({ x: new Tensor('float32', [x], [1]) })).outputs.y?.data[0] as number
        await add(1)
        Object.assign(globalThis, { add })
      }),
    )
    const bytesRead = () => worker()?.evaluate(() => (globalThis as { bytesRead?: number }).bytesRead ?? 0)
    const readBefore = (await bytesRead()) ?? Number.NaN
    const remembered = await page.evaluate(async () => {
      const { add } = globalThis as unknown as { add(x: number): Promise<number> }
      return [await add(2), await add(3)]
    })
    expect(remembered).toEqual([3, 6])
    expect(((await bytesRead()) ?? Number.NaN) - readBefore).toBeLessThan(200_000)
  }))

test('models that take turns in the memory for one keep to the graphics processor: giving it up is no loss of it', () =>
  withBrowser(softwareAdapter, async (context) => {
    const page = await context.newPage()
    let workers = 0
    page.on('worker', (worker) => {
      if (worker.url().includes('edge.worker')) workers += 1
    })
    // Either takes 8 MB and a little.
    await openClient(page, { runtime: { backends: ['webgpu'], memoryBytes: 10_000_000 } })
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

test('22: a graphics process that crashes once is recovered from; after the second crash WASM runs', () =>
  withBrowser(softwareAdapter, async (context, browser) => {
    await injectIntoWorker(context, 'onlyWasmTakesTime')
    const page = await context.newPage()
    await openClient(page)
    const before = await run(page, 'light', small)
    expect(before).toMatchObject({ route: { backend: 'webgpu' } })
    const first = 'first' in before ? before.first : Number.NaN
    const session = await browser.newBrowserCDPSession()
    for (const backend of ['webgpu', 'wasm']) {
      const running = run(page, 'light', small)
      // The browser goes with its connection before the command is answered.
      await session.send('Browser.crashGpuProcess' as never).catch(() => {})
      const answer = await running
      expect(answer).toMatchObject({ route: { ran: 'edge' } })
      expect('first' in answer && Math.abs(answer.first - first)).toBeLessThan(1e-3)
      // A run may end before the crash; and until there is a graphics process again, WASM answers.
      await expect(async () => {
        await run(page, 'light', small)
        expect(await page.evaluate(() => hither.client?.device().chosen)).toBe(backend)
      }).toPass({ intervals: [2_000] })
    }
    expect(await run(page, 'light', small)).toMatchObject({ route: { ran: 'edge', backend: 'wasm' } })
  }))

test('27: a model that ended the tab twice is not loaded a third time, and the cloud answers', () =>
  withBrowser(['--js-flags=--max-old-space-size=64'], async (context) => {
    await injectIntoWorker(context, 'exhaustMemoryOnLoad')
    for (let visit = 0; visit < 2; visit += 1) {
      const page = await context.newPage()
      const crashed = page.waitForEvent('crash')
      await openClient(page)
      page.evaluate(() => hither.client?.prepare('heavy')).catch(() => {})
      await crashed
      await page.close()
    }
    const page = await context.newPage()
    await openClient(page, {}, true)
    expect(await page.evaluate(() => hither.settle((client) => client.prepare('heavy')))).toMatchObject({
      error: ['CapabilityError', 'model-set-aside', expect.any(String)],
    })
    expect(await run(page, 'heavy', large)).toMatchObject({ route: { ran: 'cloud', reason: 'edge-unavailable' } })
    expect(await run(page, 'heavy', large, { privacy: 'edge-only' })).toMatchObject({
      error: ['NoArmError', 'no-arm', expect.any(String)],
    })
  }))

test('29: loads, unloads and runs leave the memory flat', () =>
  withBrowser(['--enable-blink-features=ForceEagerMeasureMemory'], async (context) => {
    const page = await context.newPage()
    await openClient(page, { runtime: { memoryBytes: 20_000_000, threads: 1 } })
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

test('30: a backend that answers the canary wrongly runs nothing any more, at the next visit neither', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'wrongReadBack')
    const page = await context.newPage()
    const webgpuFiles: string[] = []
    page.on('request', (request) => {
      if (/(jspi|asyncify)-[^/]*\.wasm$/.test(request.url())) webgpuFiles.push(request.url())
    })
    await openClient(page)
    await run(page, 'light', small)
    await close(page)
    await rememberWebgpuAsFastest(page, 'doubling@1')
    await openClient(page)
    expect(await run(page, 'doubling', [1])).toMatchObject({ first: 1, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles.length).toBeGreaterThan(0)
    await close(page)
    webgpuFiles.length = 0
    await openClient(page)
    expect(await run(page, 'doubling', [1])).toMatchObject({ first: 1, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles).toEqual([])
  }))

test('31: a page that was frozen in the midst of its runs counts no failure and sends nothing twice', async ({
  page,
  browser,
}) => {
  await openClient(page, {}, true)
  await page.evaluate(() => hither.client?.prepare('heavy'))
  const sent: string[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/infer')) sent.push(request.url())
  })
  const edge = runMany(page, 'heavy', large, 12, { privacy: 'edge-only' })
  const cloud = runMany(page, 'heavy', large, 4, { privacy: 'cloud-only' })
  await expect.poll(() => sent.length).toBe(4)
  // Longer than a run may take before its worker counts as hung.
  await freezeRenderers(browser, 11_000)
  for (const answer of [...(await edge), ...(await cloud)]) {
    expect(answer).toMatchObject({ route: { attempts: [{ arm: expect.any(String) }] } })
    expect('route' in answer && answer.route.attempts).toHaveLength(1)
  }
  expect(sent).toHaveLength(4)
})

test('a tab that runs for the others can die: another one takes over, and every request is answered', async ({
  context,
}) => {
  const [leader, follower] = [await context.newPage(), await context.newPage()]
  await openClient(leader)
  const before = await run(leader, 'heavy', large)
  await openClient(follower)
  expect(await run(follower, 'heavy', large)).toMatchObject({ route: { backend: 'wasm' } })
  expect(follower.workers().filter((worker) => worker.url().includes('edge.worker'))).toEqual([])
  const running = runMany(follower, 'heavy', large, 8)
  const session = await context.newCDPSession(leader)
  const crashed = leader.waitForEvent('crash')
  session.send('Page.crash').catch(() => {})
  await crashed
  const answers = await running
  expect(answers).toHaveLength(8)
  for (const answer of answers) {
    expect(answer).toMatchObject({ first: 'first' in before ? before.first : Number.NaN, route: { ran: 'edge' } })
  }
})

import { expect, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { injectIntoWorker, rememberWebgpuAsFastest } from './support/edge-worker-faults.ts'
import { edgeWorkerOf, edgeWorkersOf } from './support/edge-workers.ts'
import {
  closeClient,
  type EngineSite,
  large,
  openEngineSite,
  run,
  runMany,
  small,
  softwareAdapter,
  withBrowser,
} from './support/engine-site.ts'
import { freezeRenderers } from './support/freeze-renderers.ts'

declare const hither: Hither

let site: EngineSite
test.beforeAll(async () => {
  site = await openEngineSite()
})
test.afterAll(() => site.close())

test('21: a run whose graphics device is lost in its midst is answered by a new worker, and a session goes on', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'watchDevices')
    const page = await context.newPage()
    await site.openClient(page, { runtime: { backends: ['webgpu'] } })
    const before = await run(page, 'light', small)
    expect(before).toMatchObject({ route: { ran: 'edge', backend: 'webgpu' } })
    const loseDevice = () =>
      edgeWorkerOf(page).evaluate(() => {
        for (const device of (globalThis as { devices?: GPUDevice[] }).devices ?? []) device.destroy()
      })
    await edgeWorkerOf(page).evaluate(() => Object.assign(globalThis, { loseInRun: true }))
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
    const bytesRead = () => edgeWorkerOf(page).evaluate(() => (globalThis as { bytesRead?: number }).bytesRead ?? 0)
    const readBefore = (await bytesRead()) ?? Number.NaN
    const remembered = await page.evaluate(async () => {
      const { add } = globalThis as unknown as { add(x: number): Promise<number> }
      return [await add(2), await add(3)]
    })
    expect(remembered).toEqual([3, 6])
    expect(((await bytesRead()) ?? Number.NaN) - readBefore).toBeLessThan(200_000)
  }))

test('22: a graphics process that crashes once is recovered from; after the second crash WASM runs', () =>
  withBrowser(softwareAdapter, async (context, browser) => {
    await injectIntoWorker(context, 'onlyWasmTakesTime')
    const page = await context.newPage()
    await site.openClient(page)
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
      await site.openClient(page)
      page.evaluate(() => hither.client?.prepare('heavy')).catch(() => {})
      await crashed
      await page.close()
    }
    const page = await context.newPage()
    await site.openClient(page, {}, true)
    expect(await page.evaluate(() => hither.settle((client) => client.prepare('heavy')))).toMatchObject({
      error: ['CapabilityError', 'model-set-aside', expect.any(String)],
    })
    expect(await run(page, 'heavy', large)).toMatchObject({ route: { ran: 'cloud', reason: 'edge-unavailable' } })
    expect(await run(page, 'heavy', large, { privacy: 'edge-only' })).toMatchObject({
      error: ['NoArmError', 'no-arm', expect.any(String)],
    })
  }))

test('30: a backend that answers the canary wrongly runs nothing any more, at the next visit neither', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'wrongReadBack')
    const page = await context.newPage()
    const webgpuFiles: string[] = []
    page.on('request', (request) => {
      if (/(jspi|asyncify)-[^/]*\.wasm$/.test(request.url())) webgpuFiles.push(request.url())
    })
    await site.openClient(page)
    await run(page, 'light', small)
    await closeClient(page)
    await rememberWebgpuAsFastest(page, 'doubling@1')
    await site.openClient(page)
    expect(await run(page, 'doubling', [1])).toMatchObject({ first: 1, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles.length).toBeGreaterThan(0)
    await closeClient(page)
    webgpuFiles.length = 0
    await site.openClient(page)
    expect(await run(page, 'doubling', [1])).toMatchObject({ first: 1, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles).toEqual([])
  }))

test('a model without a canary that a backend answers 16 % off runs on WASM, at the next visit, too', () =>
  withBrowser(softwareAdapter, async (context) => {
    await injectIntoWorker(context, 'offReadBack')
    const page = await context.newPage()
    const webgpuFiles: string[] = []
    page.on('request', (request) => {
      if (/(jspi|asyncify)-[^/]*\.wasm$/.test(request.url())) webgpuFiles.push(request.url())
    })
    await site.openClient(page, { runtime: { backends: ['wasm'] } })
    const right = await run(page, 'light', small)
    const first = 'first' in right ? right.first : Number.NaN
    await closeClient(page)
    await site.openClient(page)
    await run(page, 'doubling', [1])
    await closeClient(page)
    await rememberWebgpuAsFastest(page, 'light@1')
    webgpuFiles.length = 0
    await site.openClient(page)
    expect(await run(page, 'light', small)).toMatchObject({ first, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles.length).toBeGreaterThan(0)
    await closeClient(page)
    webgpuFiles.length = 0
    await site.openClient(page)
    expect(await run(page, 'light', small)).toMatchObject({ first, route: { ran: 'edge', backend: 'wasm' } })
    expect(webgpuFiles).toEqual([])
  }))

test('31: a page that was frozen in the midst of its runs counts no failure and sends nothing twice', async ({
  page,
  browser,
}) => {
  await site.openClient(page, {}, true)
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
  const tabs = [await context.newPage(), await context.newPage()] as const
  await site.openClient(tabs[0])
  const before = await run(tabs[0], 'heavy', large)
  await site.openClient(tabs[1])
  expect(await run(tabs[1], 'heavy', large)).toMatchObject({ route: { backend: 'wasm' } })
  // One engine runs for both. In a slow moment the second tab takes the first one's silence for its end, and leads.
  await expect.poll(() => tabs.map((tab) => edgeWorkersOf(tab).length).sort()).toEqual([0, 1])
  const [leader, follower] = edgeWorkersOf(tabs[0]).length === 1 ? tabs : ([tabs[1], tabs[0]] as const)
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

import { afterEach, expect, test, vi } from 'vitest'
import type { EdgeEngine } from '../edge/edge-types.ts'
import { ModelError } from '../errors/model-error.ts'
import { setUp, x } from '../testing/assembled-client.ts'
import * as pipelineCode from './request/pipeline.ts'
import type { ClientOptions } from './types/client-options.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('nothing is fetched, started or read before the first call', async () => {
  const { client, background, edge, power, loadPipeline, sent } = setUp({ endpoint: { url: 'https://a.example' } })
  expect([client.link(), client.notices(), client.routes.list()]).toEqual([
    { online: true, saveData: false, samples: 0 },
    [],
    [],
  ])
  await Promise.resolve()
  for (const call of [loadPipeline, background.manifest, background.readRecord, edge.anticipate, power.start]) {
    expect(call).not.toHaveBeenCalled()
  }
  expect(sent).toEqual([])
})

test('a run answers, and its route is logged and raised as an event', async () => {
  const { client, background } = setUp()
  const heard: unknown[] = []
  client.on('route', (route) => heard.push(route))
  const { outputs: given, route, ...rest } = await client.run('model', { x })
  expect(given.y?.data).toEqual(Float32Array.of(3, 4))
  expect(route).toMatchObject({ model: 'model', ran: 'edge' })
  expect(rest).toEqual({})
  expect(client.routes.list()).toEqual([route])
  expect(heard).toEqual([route])
  await expect.poll(() => background.isOutdated.mock.calls).toEqual([['model']])
})

test.each<[string, ClientOptions]>([['the site wants no updates', { storage: { autoUpdate: false } }]])(
  'no newer revision is looked for where %s',
  async (_, options) => {
    const { client, background } = setUp(options)
    await client.run('model', { x })
    await import('./models/model-updates.ts')
    await new Promise((resolve) => setTimeout(resolve))
    expect(background.isOutdated).not.toHaveBeenCalled()
  },
)

test('the first request has the engine and the manifest on their way while the pipeline is fetched; later ones do not', async () => {
  const { client, background, edge, loadPipeline } = setUp()
  let give = (_: typeof pipelineCode) => {}
  loadPipeline.mockImplementationOnce(() => new Promise((resolve) => (give = resolve)))
  const asked = client.run('model', { x })
  expect(edge.anticipate).toHaveBeenCalledTimes(1)
  expect(background.manifest).toHaveBeenCalledTimes(1)
  give(pipelineCode)
  await asked
  await client.run('model', { x })
  expect(edge.anticipate).toHaveBeenCalledTimes(1)
  expect(loadPipeline).toHaveBeenCalledTimes(1)
})

test('a first request that may not run on this device does not start its engine', async () => {
  const { client, edge } = setUp()
  await expect(client.run('model', { x }, { privacy: 'cloud-only' })).rejects.toMatchObject({ code: 'no-arm' })
  expect(edge.anticipate).not.toHaveBeenCalled()
})

test('a pipeline that cannot be fetched is a typed error, and the next call tries again', async () => {
  const { client, loadPipeline } = setUp()
  loadPipeline.mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
  await expect(client.run('model', { x })).rejects.toMatchObject({
    name: 'CapabilityError',
    code: 'worker-unavailable',
    message: expect.stringContaining('could not be fetched'),
  })
  expect((await client.run('model', { x })).route.ran).toBe('edge')
})

test('the time limit and the caller’s signal also hold while the pipeline is fetched', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { client, loadPipeline } = setUp()
  loadPipeline.mockImplementation(() => new Promise(() => {}))
  const late = client.run('model', { x }, { timeoutMs: 500 })
  const end = expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' })
  await vi.advanceTimersByTimeAsync(500)
  await end
  const controller = new AbortController()
  const aborted = client.run('model', { x }, { signal: controller.signal })
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
})

test('the client’s policy holds where a request says nothing else, or says undefined', async () => {
  const { client } = setUp({
    endpoint: { url: 'https://a.example' },
    policy: { privacy: 'edge-only', deadlineMs: 700 },
  })
  const undecided = { privacy: undefined } as unknown as { privacy: 'any' }
  for (const options of [undefined, undecided]) {
    const { route } = await client.run('model', { x }, options)
    expect(route).toMatchObject({ reason: 'edge-only', deadline: { ms: 700 } })
  }
  expect((await client.run('model', { x }, { privacy: 'any' })).route.reason).not.toBe('edge-only')
})

test('explain calls no endpoint; refresh asks it, and both leave it alone for an edge-only request', async () => {
  const { client, sent } = setUp({ endpoint: { url: 'https://a.example' } })
  expect((await client.explain('model')).arms?.map(({ arm }) => arm)).toEqual(['edge', 'cloud'])
  await client.refresh('model', { privacy: 'edge-only' })
  expect(sent).toEqual([])
  const heard: number[] = []
  client.on('link', ({ samples }) => heard.push(samples))
  await client.refresh('model')
  expect(sent.some((url) => url.includes('/v2/models/model'))).toBe(true)
  expect(client.link().samples).toBeGreaterThan(0)
  expect(heard.at(-1)).toBeGreaterThan(0)
  await client.close()
})

test('what was measured is stored after a while, and is back at the next visit', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const first = setUp()
  await first.client.run('model', { x })
  expect(first.background.writeRecord).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2_000)
  expect([...first.records.keys()]).toEqual(['measured/'])
  const slow = { backend: 'wasm', threads: 1, createMs: 1, warmupMs: 900 } as const
  const second = setUp({}, { loaded: () => slow })
  second.records.set('measured/', first.records.get('measured/'))
  const { predicted } = await second.client.explain('model')
  expect(predicted.edge?.meanMs).toBeLessThan(300)
})

test('how fast models come is learned as they come, and known at the next visit for their server', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const absent: Partial<EdgeEngine> = { loaded: () => undefined, forecast: () => ({ backend: 'wasm' }) }
  const known = async ({ client, background }: ReturnType<typeof setUp>) => {
    background.storedState = async () => ({ status: 'absent', totalBytes: 1 })
    return (await client.explain('model')).known?.preparation
  }
  const first = setUp({}, absent)
  expect(await known(first)).toMatchObject({ rateMeasured: false })
  first.traffic({ origin: 'https://site.example', bytes: 5e6, ms: 1_000 })
  await vi.advanceTimersByTimeAsync(2_000)
  expect((await known(first))?.bitsPerSecond).toBeGreaterThan(30e6)
  const second = setUp({}, absent)
  second.records.set('measured/', first.records.get('measured/'))
  expect(await known(second)).toMatchObject({ rateMeasured: true })
})

test('nothing of a simulation is stored', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { client, background } = setUp({ simulate: { slowdown: 2 } })
  await client.run('model', { x })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(background.readRecord).not.toHaveBeenCalled()
  expect(background.writeRecord).not.toHaveBeenCalled()
})

test('a change of the network is an event, before and after the first request', async () => {
  const { client, network } = setUp({ endpoint: { url: 'https://a.example' } })
  const heard = vi.fn()
  client.on('link', heard)
  const change = { online: false, saveData: false, networkChanged: true }
  network.listener?.(change)
  expect(heard).toHaveBeenCalledTimes(1)
  await client.explain('model')
  network.listener?.(change)
  expect(heard).toHaveBeenCalledTimes(2)
})

test('a failed request is passed on and leaves no route', async () => {
  const { client, background } = setUp()
  const withdrawn = new ModelError('model-withdrawn', 'It took fours for nines.')
  background.manifest.mockRejectedValue(withdrawn)
  await expect(client.run('model', { x })).rejects.toBe(withdrawn)
  expect(client.routes.list()).toEqual([])
})

test('options that cannot be used are refused before anything starts', async () => {
  const { client, loadPipeline } = setUp()
  await expect(client.run('model', { x }, { timeoutMs: -1 })).rejects.toMatchObject({ code: 'options-invalid' })
  await expect(client.explain('model', { privacy: 'none' as 'any' })).rejects.toMatchObject({ code: 'options-invalid' })
  expect(loadPipeline).not.toHaveBeenCalled()
})

test('closing ends requests under way and refuses later ones, once', async () => {
  const { client, background, edge, power, stopWatching, loadPipeline } = setUp(
    {},
    { run: () => new Promise(() => {}) },
  )
  const under = client.run('model', { x })
  await expect.poll(() => power.start.mock.calls.length).toBe(1)
  await client.close()
  await client.close()
  const closed = { name: 'ConfigError', code: 'client-closed' }
  await expect(under).rejects.toMatchObject(closed)
  for (const call of [background.terminate, edge.close, power.stop, stopWatching]) {
    expect(call).toHaveBeenCalledTimes(1)
  }
  const calls = background.manifest.mock.calls.length
  await expect(client.run('model', { x })).rejects.toMatchObject(closed)
  await expect(client.explain('model')).rejects.toMatchObject(closed)
  await expect(client.prepare('model')).rejects.toMatchObject(closed)
  expect(background.manifest).toHaveBeenCalledTimes(calls)
  expect(loadPipeline).toHaveBeenCalledTimes(1)
})

test('a client that is closed while its pipeline is fetched puts none together', async () => {
  const { client, background, loadPipeline } = setUp()
  let give = (_: typeof pipelineCode) => {}
  loadPipeline.mockImplementation(() => new Promise((resolve) => (give = resolve)))
  const asked = client.explain('model')
  await expect.poll(() => loadPipeline.mock.calls.length).toBe(1)
  await client.close()
  give(pipelineCode)
  await expect(asked).rejects.toMatchObject({ code: 'client-closed' })
  expect(background.readRecord).not.toHaveBeenCalled()
})

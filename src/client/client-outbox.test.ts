import { expect, it, vi } from 'vitest'
import type { RouteRecord } from '../contracts/route.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { ValidationError } from '../errors/validation-error.ts'
import type { NetworkChange } from '../network/network-watcher.ts'
import type { Outbox } from '../outbox/create-outbox.ts'
import { type Reportable, reportOfFailure, reportOfRoute } from '../outbox/to-report.ts'
import { until } from '../testing/until.ts'
import { createClientOutbox } from './client-outbox.ts'

const route = (id: string): RouteRecord => ({
  id,
  model: 'digits',
  revision: '1',
  startedAtMs: 1,
  ran: 'edge',
  backend: 'wasm',
  reason: 'edge-faster',
  why: '',
  predicted: {},
  actualMs: 1,
  parts: {},
  attempts: [],
})

function setUp(mode: 'routes' | 'none' = 'routes') {
  const recorded: Reportable[] = []
  const network = { listener: undefined as ((change: NetworkChange) => void) | undefined, reachable: true }
  const outbox = {
    record: async (reportable: Reportable) => void recorded.push(reportable),
    onChange: () => () => {},
    close: vi.fn(),
  } as unknown as Outbox
  const load = vi.fn(async () => {
    if (!network.reachable) throw new TypeError('Failed to fetch dynamically imported module')
    return { createOutbox: () => outbox, registerReportSync: async () => {}, reportOfFailure, reportOfRoute }
  })
  const client = createClientOutbox({
    mode,
    baseUrl: 'https://infer.example.com',
    watcher: {
      online: true,
      saveData: false,
      connection: undefined,
      onChange(listener) {
        network.listener = listener
        return () => {}
      },
    },
    adapter: () => undefined,
    onState: () => {},
    load,
  })
  /** For what must not happen: whatever was begun has come to its end, since nothing in this test takes time. */
  const settled = () => new Promise((resolve) => setTimeout(resolve))
  return { client, recorded, network, load, outbox, settled }
}

it('fetches the outbox with the first report, once', async () => {
  const { client, recorded, load } = setUp()
  expect(load).not.toHaveBeenCalled()
  client.answered(route('a'), {}, 'any')
  client.answered(route('b'), {}, 'any')
  await until(() => recorded.length > 1)
  expect(load).toHaveBeenCalledTimes(1)
  expect(recorded).toMatchObject([{ report: { id: 'a' } }, { report: { id: 'b' } }])
})

it('holds reports while the outbox can not be fetched, and says so when asked', async () => {
  const { client, recorded, network, load } = setUp()
  network.reachable = false
  client.answered(route('a'), {}, 'any')
  await until(() => load.mock.calls.length > 0)
  await expect(client.api.state()).rejects.toMatchObject({ code: 'storage-unavailable' })
  network.reachable = true
  network.listener?.({ online: true, saveData: false, networkChanged: true })
  await until(() => recorded.length > 0)
  expect(recorded).toMatchObject([{ report: { id: 'a' } }])
})

it('counts a request that had to stay here, and tells nothing else of it', async () => {
  const { client, recorded } = setUp()
  client.answered(route('a'), {}, 'edge-only')
  client.failed(new EdgeError('edge-crashed', 'It crashed.'), {
    model: 'digits',
    privacy: 'edge-only',
    startedAtMs: 1,
    actualMs: 1,
  })
  await until(() => recorded.length > 1)
  expect(recorded).toEqual([
    { kind: 'count', outcome: 'answered' },
    { kind: 'count', outcome: 'failed' },
  ])
})

it('reports neither aborts nor requests that were wrong in themselves', async () => {
  const { client, recorded } = setUp()
  const about = { model: 'digits', privacy: 'any', startedAtMs: 1, actualMs: 1 } as const
  client.failed(new DOMException('stop', 'AbortError'), about)
  client.failed(new ValidationError('input-missing', 'x'), about)
  client.failed(new EdgeError('edge-crashed', 'It crashed.'), about)
  await until(() => recorded.length > 0)
  expect(recorded).toMatchObject([{ kind: 'report', report: { kind: 'failure', code: 'edge-crashed' } }])
})

it('fetches and records nothing when the site wants no reports', async () => {
  const { client, load, settled } = setUp('none')
  client.answered(route('a'), {}, 'any')
  await settled()
  expect(load).not.toHaveBeenCalled()
  expect(await client.api.state()).toMatchObject({ waiting: 0 })
})

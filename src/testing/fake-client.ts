import type {
  Client,
  ClientEvents,
  ModelEntry,
  RouteExplanation,
  RunInputs,
  RunOptions,
  RunResult,
} from '../client/types.ts'
import type { DeviceReport, LinkReport } from '../contracts/measurements.ts'
import type { ModelState } from '../contracts/model-state.ts'
import { type RouteRecord, routeReasons } from '../contracts/route.ts'
import { createEmitter } from '../utils/emitter.ts'

export interface FakeClientOptions {
  readonly run?: (inputs: RunInputs, options: RunOptions) => Promise<RunResult>
  readonly prepare?: () => Promise<void>
  readonly explain?: () => Promise<RouteExplanation>
  readonly list?: () => Promise<readonly ModelEntry[]>
  readonly device?: DeviceReport
  readonly link?: LinkReport
}

/** A client that answers as it is told to, with the means to raise its events. */
export interface FakeClient extends Client {
  emit<K extends keyof ClientEvents>(event: K, value: ClientEvents[K]): void
  /** The options of each run so far. */
  readonly runs: readonly RunOptions[]
  readonly prepared: number
  readonly closed: boolean
}

export const fakeRoute = (over: Partial<RouteRecord> = {}): RouteRecord => ({
  id: 'route-1',
  model: 'digits',
  revision: 'r1',
  startedAtMs: 0,
  ran: 'edge',
  backend: 'wasm',
  reason: 'edge-faster',
  why: routeReasons['edge-faster'],
  predicted: { edge: { meanMs: 5, p90Ms: 8 }, cloud: { meanMs: 60, p90Ms: 95 } },
  actualMs: 6,
  parts: { prepareMs: 2, computeMs: 3 },
  attempts: [{ arm: 'edge', ms: 6 }],
  ...over,
})

/** A result that is sure of one digit. */
export function fakeResult(digit: number, route: RouteRecord = fakeRoute()): RunResult {
  const classes = Array.from({ length: 10 }, (_, i) => ({ label: String(i), probability: i === digit ? 0.91 : 0.01 }))
  classes.sort((a, b) => b.probability - a.probability)
  return { outputs: {}, answer: { label: String(digit), probability: 0.91, classes }, route }
}

export const fakeModel = (state: ModelState = { status: 'absent' }): ModelEntry => ({
  name: 'digits',
  revision: 'r1',
  title: 'Handwritten digits',
  description: 'Reads one handwritten digit.',
  task: 'image-classification',
  license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  totalBytes: 381_200,
  state,
})

export function createFakeClient(options: FakeClientOptions = {}): FakeClient {
  const events = createEmitter<ClientEvents>()
  const runs: RunOptions[] = []
  let prepared = 0
  let closed = false
  return {
    async run(_, inputs, runOptions = {}) {
      runs.push(runOptions)
      const result = await (options.run?.(inputs, runOptions) ?? Promise.resolve(fakeResult(7)))
      events.emit('route', result.route)
      return result
    },
    task() {
      throw new Error('the fake client has no tasks')
    },
    async prepare() {
      prepared += 1
      await options.prepare?.()
    },
    openSession: () => Promise.reject(new TypeError('the fake client has no sessions')),
    explain: async () =>
      options.explain?.() ?? { arm: 'edge', reason: 'edge-faster', why: routeReasons['edge-faster'], predicted: {} },
    models: {
      list: async () => options.list?.() ?? [fakeModel()],
      state: async () => ({ status: 'absent' }),
      remove: async (model) => events.emit('state', { model, state: { status: 'absent' } }),
    },
    device: () =>
      options.device ?? { crossOriginIsolated: true, hardwareConcurrency: 4, backends: [], runtimeFiles: [] },
    link: () => options.link ?? { online: true, saveData: false, samples: 0 },
    on: events.on,
    emit: events.emit,
    async close() {
      closed = true
    },
    get runs() {
      return runs
    },
    get prepared() {
      return prepared
    },
    get closed() {
      return closed
    },
  }
}

import { createCloudLink } from '../client/cloud/cloud-link.ts'
import type { RequestContext } from '../client/request/snapshot/request-context.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { EdgeEngine } from '../edge/edge-types.ts'
import { createDownloadRates } from '../network/download-rates.ts'
import { createRouter } from '../routing/deciding/create-router.ts'
import { createPreparationLearner } from '../routing/learning/preparation-learner.ts'
import { createRouteLearner } from '../routing/learning/route-learner.ts'

export const onlineWatcher = { online: true, saveData: false, connection: undefined, onChange: () => () => {} } as const

/** An engine whose models are loaded on WASM, and whose runs answer at once with `outputs`. */
export function stubEdge(outputs: TensorMap = {}, changes: Partial<EdgeEngine> = {}): EdgeEngine {
  const loaded = { backend: 'wasm', threads: 1, createMs: 1, warmupMs: 20 } as const
  return {
    ready: async () => {},
    measure: async () => [],
    check: async () => {},
    anticipate: async () => {},
    load: async () => loaded,
    loaded: () => loaded,
    run: async () => ({ outputs, backend: 'wasm', queueMs: 0, computeMs: 1, totalMs: 1 }),
    write: () => Promise.reject(new TypeError('the fake engine writes no text')),
    hold: () => Promise.reject(new TypeError('the fake engine holds no models')),
    waiting: () => 0,
    busyForMs: () => 0,
    unload: async () => {},
    forecast: () => ({ backend: 'wasm', ms: 20 }),
    report: () => ({ crossOriginIsolated: true, hardwareConcurrency: 4, backends: [], runtimeFiles: [] }),
    close: () => {},
    ...changes,
  }
}

/** What a request works with: a ready edge, and real links, learner and router. */
export function fakeRequestContext(
  changes: Partial<RequestContext> = {},
  endpoints: readonly string[] = [],
): RequestContext {
  const edge = changes.edge ?? stubEdge()
  return {
    edge,
    edgeModels: {
      state: async () => ({ status: 'ready', totalBytes: 1, backend: 'wasm' }),
      loadingForMs: () => 0,
      prepare: async () => edge.loaded({} as never),
    } as unknown as RequestContext['edgeModels'],
    clouds: endpoints.map((url) => createCloudLink({ url }, onlineWatcher, () => {})),
    notices: { current: () => [], closed: () => undefined, start() {}, close() {} },
    learner: createRouteLearner(),
    preparations: createPreparationLearner(),
    rates: createDownloadRates(),
    resources: { read() {} },
    sourcesOf: async () => [],
    onEdgeReady() {},
    router: createRouter(),
    watcher: onlineWatcher,
    power: { savePower: false, onBattery: false, start() {}, stop() {} },
    unpackInputs: async (_, packed) => packed,
    downloadOnMetered: false,
    ...changes,
  }
}

import type { BackendMeasurement } from '../contracts/measurements.ts'
import { createCrashMarks } from '../edge/crash-marks.ts'
import { createEdge, type EdgeOptions } from '../edge/create-edge.ts'
import type { EdgeEngine } from '../edge/edge-types.ts'
import type { BackendModel } from './backend-models.ts'

export const absent = (backend: 'webgpu' | 'webnn') => async (): Promise<BackendMeasurement> => ({
  backend,
  status: 'absent',
})

/** Reads a model's files; each time anew, as their buffers are handed to the worker. */
export const readerOf =
  ({ graph }: Pick<BackendModel, 'graph'>) =>
  async () => ({ graph: graph.slice() })

/** A device whose WebGPU is measured as so much faster than its WASM that a model goes there wherever it may. */
export const fastWebgpu: Partial<EdgeOptions> = {
  backends: ['webgpu', 'wasm'],
  measures: {
    detectAdapter: async () => ({ name: 'pretended', software: false, shaderF16: false, maxBufferBytes: 2 ** 30 }),
    measureWebgpu: async () => ({ backend: 'webgpu', status: 'measured', macsPerSecond: 1e15, overheadMs: 0 }),
    measureWebnn: absent('webnn'),
  },
}

/** A worker with a backend in WebGPU's place; `fault` is what that does wrongly. */
export function startPretendedWebgpu(
  fault: { readonly answersTimes?: number; readonly refuses?: boolean } = {},
): Worker {
  const worker = new Worker(new URL('./pretend-webgpu.worker.ts', import.meta.url), { type: 'module' })
  worker.postMessage(fault)
  return worker
}

/** Opens engines on WASM whose workers can be made to fail. */
export function edgeFixture() {
  const workers: Worker[] = []
  const edges: EdgeEngine[] = []

  const startWorker = () => {
    const worker = new Worker(new URL('./faulty-edge.worker.ts', import.meta.url), { type: 'module' })
    workers.push(worker)
    return worker
  }
  return {
    /** All workers that were started, the newest one last. */
    workers,
    startWorker,
    openEdge(changes: Partial<EdgeOptions> = {}): EdgeEngine {
      const edge = createEdge({
        startWorker,
        measures: {
          detectAdapter: async () => undefined,
          measureWebgpu: absent('webgpu'),
          measureWebnn: absent('webnn'),
        },
        backends: ['wasm'],
        threads: 1,
        marks: createCrashMarks(undefined),
        ...changes,
      })
      edges.push(edge)
      return edge
    },
    /** Makes the newest worker throw, or leave a rejection unhandled. */
    crash: (fault: 'throw' | 'reject' = 'throw') => workers.at(-1)?.postMessage({ fault }),
    /** Resolves once every run in the newest worker traps. */
    makeTrap: () =>
      new Promise<void>((resolve) => {
        workers.at(-1)?.addEventListener('message', ({ data }) => data === 'faulty' && resolve())
        workers.at(-1)?.postMessage({ fault: 'trap' })
      }),
    closeAll() {
      for (const edge of edges.splice(0)) edge.close()
      workers.length = 0
    },
  }
}

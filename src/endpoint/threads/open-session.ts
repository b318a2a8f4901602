import { InferenceSession } from 'onnxruntime-node'
import type { SharedGraph } from '../model-folder/shared-graph.ts'

/** onnxruntime takes no shared memory. This copy is garbage once the session has made its own. */
const ownCopy = (shared: SharedArrayBuffer) => new Uint8Array(shared).slice()

/** Makes a session of a model's files, in this thread. @param runThreads that one run uses */
export function openSession(shared: SharedGraph, runThreads = 1): Promise<InferenceSession> {
  // The binding takes one `./` or `.\` from each name, and the graph's own may begin with one.
  const externalData = [...shared.externalData].map(([path, data]) => ({ path: `./${path}`, data: ownCopy(data) }))
  return InferenceSession.create(ownCopy(shared.graph), {
    executionProviders: ['cpu'],
    intraOpNumThreads: runThreads,
    interOpNumThreads: 1,
    // Its log messages quote inputs; a failure comes back as an error anyway.
    logSeverityLevel: 4,
    ...(externalData.length === 0 ? {} : { externalData }),
  })
}

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { BenchModel } from './models.ts'

/** Runs a second of onnxruntime-node alone, in so many threads: what an endpoint with that many workers can't exceed. */
export async function bareRunsPerSecond(model: BenchModel, workers: number, seconds: number): Promise<number> {
  const feeds = Object.entries(model.tensors).map(([name, { type, dims, data }]) => ({ name, type, dims, data }))
  const workerData = { graph: model.graph, feeds, seconds }
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL('./bare-thread.mjs', import.meta.url), { workerData }),
  )
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  const rates = threads.map(async (thread) => {
    const [rate] = (await once(thread, 'message')) as [number]
    return rate
  })
  for (const thread of threads) thread.postMessage('go')
  const sum = (await Promise.all(rates)).reduce((total, rate) => total + rate, 0)
  await Promise.all(threads.map((thread) => thread.terminate()))
  return sum
}

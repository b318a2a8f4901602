import type { InferenceTimes } from '../engine/run-inference.ts'

/** Counts and times of one model's requests, as `GET /v2/models/M/stats` tells them. */
interface ModelStatistics {
  success: Tally
  fail: Tally
  queue: Tally
  computeInput: Tally
  computeInfer: Tally
  computeOutput: Tally
  executions: number
  lastMs: number
  readonly batches: Map<number, Tally>
}

interface Tally {
  count: number
  ms: number
}

export interface Statistics {
  succeeded(name: string, version: string, times: InferenceTimes): void
  failed(name: string, version: string, totalMs: number): void
  /** One entry in the form of the protocol's statistics extension; zeros for a model that was not asked yet. */
  read(name: string, version: string): unknown
}

/**
 * Source: https://github.com/triton-inference-server/server, docs/protocol/extension_statistics.md
 *
 * @param nowMs milliseconds since 1970
 */
export function createStatistics(nowMs: () => number = Date.now): Statistics {
  const models = new Map<string, ModelStatistics>()
  const of = (name: string, version: string): ModelStatistics => {
    const key = JSON.stringify([name, version])
    const known = models.get(key) ?? empty()
    models.set(key, known)
    return known
  }
  return {
    succeeded(name, version, { decodeMs, queueMs, computeMs, encodeMs, totalMs, batch }) {
      const model = of(name, version)
      add(model.success, totalMs)
      add(model.queue, queueMs)
      add(model.computeInput, decodeMs)
      add(model.computeInfer, computeMs)
      add(model.computeOutput, encodeMs)
      model.executions += 1 / batch
      model.lastMs = nowMs()
      const tally = model.batches.get(batch) ?? { count: 0, ms: 0 }
      add(tally, computeMs)
      model.batches.set(batch, tally)
    },
    failed(name, version, totalMs) {
      const model = of(name, version)
      add(model.fail, totalMs)
      model.lastMs = nowMs()
    },
    read(name, version) {
      const model = models.get(JSON.stringify([name, version])) ?? empty()
      return {
        name,
        version,
        last_inference: model.lastMs,
        inference_count: model.success.count,
        execution_count: Math.round(model.executions),
        inference_stats: {
          success: toWire(model.success),
          fail: toWire(model.fail),
          queue: toWire(model.queue),
          compute_input: toWire(model.computeInput),
          compute_infer: toWire(model.computeInfer),
          compute_output: toWire(model.computeOutput),
        },
        batch_stats: [...model.batches]
          .sort(([a], [b]) => a - b)
          .map(([batch_size, { count, ms }]) => ({
            batch_size,
            compute_infer: toWire({ count: Math.round(count / batch_size), ms: ms / batch_size }),
          })),
      }
    },
  }
}

const tally = (): Tally => ({ count: 0, ms: 0 })

const empty = (): ModelStatistics => ({
  success: tally(),
  fail: tally(),
  queue: tally(),
  computeInput: tally(),
  computeInfer: tally(),
  computeOutput: tally(),
  executions: 0,
  lastMs: 0,
  batches: new Map(),
})

const add = (to: Tally, ms: number) => {
  to.count += 1
  to.ms += ms
}

const toWire = ({ count, ms }: Tally) => ({ count, ns: Math.round(ms * 1e6) })

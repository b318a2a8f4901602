import { CloudError } from '../errors/cloud-error.ts'
import { checkOutputs, checkRequest } from './check-request.ts'
import { findModel, isReady, sessionKey } from './find-model.ts'
import type { InferEngine, ServedModel } from './infer-engine.ts'
import type { InferPool } from './infer-pool.ts'
import type { ModelRecord } from './load-models.ts'

/** The engine of one machine: models from a folder, run by a pool of threads. */
export function createPoolEngine(options: {
  readonly records: readonly ModelRecord[]
  readonly pool: InferPool
  readonly workers: number
}): InferEngine {
  const { records, pool, workers } = options
  return {
    ready: true,
    models: async () => records.map(toServed),
    find: async (name, version) => toServed(findModel(records, name, version)),
    admit() {},
    async infer({ model, inputs, outputs }, signal) {
      const record = findModel(records, model.name, model.version)
      if (!isReady(record)) throw new CloudError('cloud-overloaded', toServed(record).unavailable ?? '')
      checkRequest(record.manifest, inputs)
      checkOutputs(record.manifest, outputs ?? [])
      const names = outputs ?? record.manifest.outputs.map(({ name }) => name)
      const task = { key: sessionKey(record), inputs, wire: record.manifest.wire, outputs: names }
      const result = await pool.run(task, signal)
      return { ...result, batch: 1 }
    },
    async load(name) {
      findModel(records, name)
    },
    async unload(name) {
      findModel(records, name)
    },
    capacity: async () => ({
      workers,
      busy: 0,
      waiting: 0,
      waitMs: 0,
      models: records.map(({ name, revision }) => ({ name, version: revision, waiting: 0, runs: 0 })),
    }),
    get stuckThreads() {
      return pool.stuckThreads
    },
    close: () => pool.close(),
  }
}

const toServed = ({ name, revision, manifest, state }: ModelRecord): ServedModel => ({
  name,
  version: revision,
  platform: 'onnx_onnxv1',
  inputs: manifest?.inputs ?? [],
  outputs: manifest?.outputs ?? [],
  ...(state.status === 'refused' ? { unavailable: state.reason } : {}),
  ...(manifest === undefined ? {} : { manifest }),
})

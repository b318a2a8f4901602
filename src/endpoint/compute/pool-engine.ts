import { CloudError } from '../../errors/cloud-error.ts'
import type { InferEngine, ServedModel } from '../engine/infer-engine.ts'
import { findModel, isReady } from '../model-folder/find-model.ts'
import type { ModelRecord, ReadyModel } from '../model-folder/load-models.ts'
import type { ModelFolder } from '../model-folder/model-folder.ts'
import { mayBatch } from './batch-tensors.ts'
import { checkOutputs, checkRequest, checkTypes, maxBatch } from './check-request.ts'
import type { InferPool } from './infer-pool.ts'
import type { PoolModel } from './pool-task.ts'

/** Names a model's sessions in the pool: each time that it is loaded, another one. */
export function createPoolModels(): (record: ReadyModel) => PoolModel {
  const known = new WeakMap<ReadyModel, PoolModel>()
  let loads = 0
  return (record) => {
    const { name, revision, manifest, state } = record
    const before = known.get(record)
    if (before !== undefined) return before
    loads += 1
    const model = {
      key: `${name}/${revision}#${loads}`,
      shared: state.shared,
      wire: manifest.wire,
      maxBatch: mayBatch(manifest) && (manifest.state ?? []).length === 0 ? maxBatch : 1,
      tolerance: manifest.tolerance.absolute,
    }
    known.set(record, model)
    return model
  }
}

/** The engine of one machine: models from a folder, run by a pool of threads. */
export function createPoolEngine(options: {
  readonly folder: ModelFolder
  readonly pool: InferPool
  readonly workers: number
  readonly poolModel: (record: ReadyModel) => PoolModel
}): InferEngine {
  const { folder, pool, workers, poolModel } = options
  const find = (name: string, version?: string) => findModel(folder.models.records, name, version)
  return {
    get ready() {
      return folder.models.records.some(isReady)
    },
    models: async () => folder.models.records.map(toServed),
    find: async (name, version) => toServed(find(name, version)),
    admit(name, version, deadlineAtMs) {
      const record = find(name, version)
      if (isReady(record)) pool.admit(poolModel(record).key, deadlineAtMs)
    },
    async infer({ model, inputs, outputs, deadlineAtMs }, signal) {
      const record = find(model.name, model.version)
      if (!isReady(record)) throw new CloudError('cloud-overloaded', toServed(record).unavailable ?? '')
      checkRequest(record.manifest, inputs)
      checkOutputs(record.manifest, outputs ?? [])
      const names = outputs ?? record.manifest.outputs.map(({ name }) => name)
      const answer = await pool.run({ model: poolModel(record), inputs, outputs: names, deadlineAtMs }, signal)
      checkTypes(record.manifest, answer.outputs)
      return answer
    },
    load: (name) => folder.load(name),
    unload: (name) => folder.unload(name),
    capacity: async () => ({
      workers,
      busy: pool.busy,
      waiting: pool.waiting(),
      waitMs: pool.waitMs(),
      models: folder.models.records.filter(isReady).map((record) => {
        const { key } = poolModel(record)
        const { service, run } = pool.history(key)
        const { meanMs: mean, p95Ms: p95 } = service
        return {
          name: record.name,
          version: record.revision,
          waiting: pool.waiting(key),
          runs: service.count,
          ...(mean === undefined || p95 === undefined ? {} : { serviceMs: { mean, p95 } }),
          ...(run.meanMs === undefined ? {} : { predictedMs: pool.waitMs(key) + run.meanMs }),
          ...(run.count === 0 ? {} : { batch: service.count / run.count }),
        }
      }),
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
  ...(state.status === 'refused' ? { unavailable: state.reason } : { texts: state.texts }),
  ...(manifest === undefined ? {} : { manifest }),
})

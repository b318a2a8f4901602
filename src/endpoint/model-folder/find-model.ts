import { CloudError } from '../../errors/cloud-error.ts'
import type { ModelRecord, ReadyModel } from './load-models.ts'

/**
 * The model of this name and version; without a version the catalogue's first of that name.
 *
 * @throws {CloudError} `cloud-model-missing`
 */
export function findModel(records: readonly ModelRecord[], name: string, version?: string): ModelRecord {
  const named = records.filter((record) => record.name === name)
  const model = version === undefined ? named[0] : named.find(({ revision }) => revision === version)
  if (model !== undefined) return model
  const what =
    named.length === 0 ? `model ${name.slice(0, 100)}` : `version ${version?.slice(0, 100)} of the model ${name}`
  throw new CloudError('cloud-model-missing', `This endpoint has no ${what}.`)
}

export const isReady = (model: ModelRecord): model is ReadyModel => model.state.status === 'ready'

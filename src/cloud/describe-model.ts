import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import type { TensorSpec } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { fromDatatype } from '../protocol/tensors/datatypes.ts'
import type { SendRequest } from './cloud-request.ts'
import { modelPath } from './model-path.ts'

/** What a server says of one of its models. */
export interface ModelDescription {
  readonly name: string
  /** Empty where the server has no versions, as KServe. */
  readonly versions: readonly string[]
  readonly platform: string
  /** Empty where the server does not say, or says something that is no type of the protocol. */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

const tensorSchema = object({
  name: v.string(),
  datatype: v.string(),
  shape: v.array(v.pipe(v.number(), v.integer())),
})

// `null` stands for "absent" at KServe; MLServer gives empty lists.
const descriptionSchema = object({
  name: v.nullish(v.string()),
  versions: v.nullish(v.array(v.string())),
  platform: v.nullish(v.string()),
  inputs: v.nullish(v.array(tensorSchema)),
  outputs: v.nullish(v.array(tensorSchema)),
})

/** One entry of a server's list of models. */
export interface ListedModel {
  readonly name: string
  readonly version: string
  readonly ready: boolean
}

// State is absent while a model was never loaded.
const indexSchema = v.array(object({ name: v.string(), version: v.nullish(v.string()), state: v.nullish(v.string()) }))
const listSchema = object({ models: v.array(v.string()) })

const limitBytes = 4 * 1024 * 1024

function read<S extends v.GenericSchema>(schema: S, body: Uint8Array): v.InferOutput<S> {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder().decode(body)))
  } catch (cause) {
    throw new CloudError('cloud-bad-response', "The endpoint's description of its models can't be read.", { cause })
  }
}

/** @throws {CloudError} `cloud-model-missing`, or that the endpoint failed */
export async function describeModel(send: SendRequest, model: string, signal: AbortSignal): Promise<ModelDescription> {
  const { body } = await send({ path: modelPath(model), limitBytes, signal })
  const { versions, platform, inputs, outputs } = read(descriptionSchema, body)
  const specs = (tensors: v.InferOutput<typeof tensorSchema>[] | null | undefined): TensorSpec[] => {
    const known = (tensors ?? []).flatMap(({ name, datatype, shape }) => {
      const type = fromDatatype(datatype)
      return type === undefined ? [] : [{ name, type, shape }]
    })
    // Half of a model's inputs would be worse than none: the other half would be refused.
    return known.length === tensors?.length ? known : []
  }
  return {
    name: model,
    versions: versions ?? [],
    platform: platform ?? '',
    inputs: specs(inputs),
    outputs: specs(outputs),
  }
}

/**
 * The models that a server has: its repository's index (Triton, MLServer, Hither), or KServe's list.
 *
 * @returns undefined where the server has neither
 * @throws {CloudError} the endpoint could not be asked, or failed
 */
export async function listModels(send: SendRequest, signal: AbortSignal): Promise<readonly ListedModel[] | undefined> {
  try {
    const body = new TextEncoder().encode('{}')
    const headers = { 'Content-Type': 'application/json' }
    const index = await send({ path: '/v2/repository/index', method: 'POST', headers, body, limitBytes, signal })
    return read(indexSchema, index.body).map(({ name, version, state }) => ({
      name,
      version: version ?? '',
      ready: state === 'READY',
    }))
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  try {
    const list = await send({ path: '/v2/models', limitBytes, signal })
    return read(listSchema, list.body).models.map((name) => ({ name, version: '', ready: true }))
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** The server answered that it has no such address, or takes no such question. */
const isAbsent = (error: unknown): boolean =>
  error instanceof CloudError && [400, 404, 405, 501].includes(Number(error.context.status))

import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'

/** The extension's name in a server's metadata: tensors as binary data behind the JSON. */
export const binaryTensorExtension = 'binary_tensor_data'

/** What this project's endpoint says of itself. */
export const serverExtensions: readonly string[] = [
  binaryTensorExtension,
  'classification',
  'model_repository',
  'parameters',
  'statistics',
]

/**
 * Header of a request that tells this project's endpoint for how many milliseconds its client waits, so that a request
 * that would come too late is refused before its body is read.
 */
export const timeoutHeader = 'Hither-Timeout-Ms'

/** What `GET /v2` answers. */
export const serverMetadataSchema = object({
  name: v.string(),
  version: v.string(),
  extensions: v.array(v.string()),
})

export type ServerMetadata = v.InferOutput<typeof serverMetadataSchema>

const tensorMetadataSchema = object({
  name: v.string(),
  datatype: v.string(),
  /** -1 is a dimension that may be any size. */
  shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(-1))),
})

/** What `GET /v2/models/M` answers. */
export const modelMetadataSchema = object({
  name: v.string(),
  versions: v.optional(v.array(v.string())),
  platform: v.string(),
  inputs: v.array(tensorMetadataSchema),
  outputs: v.array(tensorMetadataSchema),
})

export type ModelMetadata = v.InferOutput<typeof modelMetadataSchema>

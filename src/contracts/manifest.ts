import * as v from 'valibot'
import { decodingSchema } from './decoding.ts'
import { generationSchema } from './generation.ts'
import { object } from './object-schemas.ts'
import { relativePathSchema } from './paths.ts'
import { preprocessingSchema, wireSchema } from './preprocessing.ts'
import { tensorLiteralSchema, tensorSpecSchema } from './tensor.ts'

const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'sha256 must be 64 lower-case hex digits'))

/** A model's or a revision's name: safe as a folder and in a URL. */
export const nameSchema = v.pipe(
  v.string(),
  v.maxLength(100),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'not a plain name'),
)

/** Where a graph says that weights lie, in its own spelling: the runtime asks for them by it. */
const locationSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(300))

const bytesSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1))

const webAddressSchema = v.pipe(
  v.string(),
  v.maxLength(2000),
  v.check((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol), 'not a web address'),
)

export const modelFileSchema = object({
  path: relativePathSchema,
  bytes: bytesSchema,
  sha256: sha256Schema,
  /**
   * Where the file is, instead of beside the manifest: absolute addresses, each of the same bytes. The first one is
   * asked first, the others when it fails.
   */
  urls: v.optional(v.pipe(v.array(webAddressSchema), v.minLength(1), v.maxLength(16))),
  /** The sha256 of every `bytes` of the file: what is wrong is found, and fetched again, by the chunk. */
  chunks: v.optional(object({ bytes: bytesSchema, sha256: v.array(sha256Schema) })),
})

/** What a device must have to run a model. Where it lacks it, the model is refused before its download. */
const requirementsSchema = object({
  /** The backends that can run it. Default: all. */
  backends: v.optional(v.pipe(v.array(v.picklist(['webgpu', 'wasm', 'webnn'])), v.minLength(1))),
  /** On WebGPU it computes in 16-bit floats, which the adapter must have (`shader-f16`). */
  shaderF16: v.optional(v.boolean()),
  /** The largest buffer it binds on WebGPU, in bytes. */
  maxBufferBytes: v.optional(bytesSchema),
  /** Memory it takes while it runs: weights, activations and what the runtime adds. Default: estimated from its files. */
  memoryBytes: v.optional(bytesSchema),
})

const licenseSchema = object({
  name: v.string(),
  url: v.optional(v.string()),
  /** The person must have read and accepted it before the first byte is fetched. */
  mustAccept: v.optional(v.boolean()),
})

const complexitySchema = object({ macs: v.pipe(v.number(), v.finite(), v.minValue(1)) })
const toleranceSchema = object({ absolute: v.pipe(v.number(), v.finite(), v.minValue(0)) })

/** How a model's weights are kept. */
export const precisionSchema = v.picklist(['float32', 'float16', 'int8', 'int4', 'mixed'])

/** The same model in other files. What it leaves out is as in the manifest. */
const variantSchema = object({
  name: nameSchema,
  precision: v.optional(precisionSchema),
  files: v.pipe(v.array(modelFileSchema), v.minLength(1)),
  graph: relativePathSchema,
  externalData: v.optional(v.array(locationSchema)),
  requires: v.optional(requirementsSchema),
  inputs: v.optional(v.pipe(v.array(tensorSpecSchema), v.minLength(1))),
  outputs: v.optional(v.pipe(v.array(tensorSpecSchema), v.minLength(1))),
  complexity: v.optional(complexitySchema),
  tolerance: v.optional(toleranceSchema),
  generation: v.optional(generationSchema),
})

/** An output that the next run takes as an input: a recurrent state, a cache of keys and values. */
const stateSchema = object({
  input: v.pipe(v.string(), v.minLength(1)),
  output: v.pipe(v.string(), v.minLength(1)),
  /** Shape of the zeros that the first run takes; a dimension may be 0. */
  shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
})

/** What a model can be asked for; a model of `tensors` takes and gives them as they are. */
export const taskNames = [
  'image-classification',
  'face-detection',
  'object-detection',
  'text-classification',
  'text-embedding',
  'text-generation',
  'voice-activity',
  'tensors',
] as const

export type TaskName = (typeof taskNames)[number]

/**
 * What a model is and where its files are. Written when the model is made, checked before anything of it is used.
 */
export const manifestSchema = object({
  format: v.literal(1),
  name: nameSchema,
  revision: nameSchema,
  title: v.string(),
  description: v.string(),
  task: v.picklist(taskNames),
  license: licenseSchema,
  card: v.optional(relativePathSchema),
  files: v.pipe(v.array(modelFileSchema), v.minLength(1)),
  /** Path of the ONNX graph; one of `files`. */
  graph: relativePathSchema,
  /**
   * Where the weights lie that are outside the graph, each as the graph names it. Each is one of `files`, whose path has
   * `/` where the graph may have a backslash, and no `.` or `..`.
   */
  externalData: v.optional(v.array(locationSchema)),
  requires: v.optional(requirementsSchema),
  /**
   * `cloud`: while it is not on this device it runs in the cloud, and is not downloaded ahead of need. It comes here
   * when it is asked to, or when no endpoint can answer. Default `edge`.
   */
  defaultArm: v.optional(v.picklist(['edge', 'cloud'])),
  state: v.optional(v.array(stateSchema)),
  opset: v.optional(v.pipe(v.number(), v.safeInteger())),
  inputs: v.pipe(v.array(tensorSpecSchema), v.minLength(1)),
  outputs: v.pipe(v.array(tensorSpecSchema), v.minLength(1)),
  labels: v.optional(v.array(v.string())),
  /** The label that says “none of the others”: what was given lies outside what the model was made for. */
  outsideLabel: v.optional(v.string()),
  /** Where an answer with less confidence than `minConfidence` is better asked of the larger model named `large`. */
  cascade: v.optional(object({ large: nameSchema, minConfidence: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) })),
  preprocessing: v.optional(preprocessingSchema),
  decoding: v.optional(decodingSchema),
  /** Set for models that write text. */
  generation: v.optional(generationSchema),
  /** Smaller forms in which inputs travel. */
  wire: v.optional(v.array(wireSchema)),
  /** Multiply-accumulates of one run with every free dimension at 1. */
  complexity: complexitySchema,
  /** Largest difference of an output between backends that still counts as equal. */
  tolerance: toleranceSchema,
  precision: v.optional(precisionSchema),
  /** Other files of the same model, the best first: a device takes the first one that it can run, else the files above. */
  variants: v.optional(v.array(variantSchema)),
  /** The variant whose files stand above; set where one was picked. */
  variant: v.optional(nameSchema),
  /** An input and its answer, from when the model was made. */
  canary: v.optional(object({ inputs: v.array(tensorLiteralSchema), outputs: v.array(tensorLiteralSchema) })),
})

export type Manifest = v.InferOutput<typeof manifestSchema>
export type ModelFile = v.InferOutput<typeof modelFileSchema>
export type ModelVariant = v.InferOutput<typeof variantSchema>
export type ModelRequirements = v.InferOutput<typeof requirementsSchema>

export const catalogSchema = object({
  format: v.literal(1),
  /** Counts the catalogue's releases: one that is older than what this device has seen is refused. */
  serial: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  models: v.array(
    object({
      name: nameSchema,
      revision: nameSchema,
      /** Address of the manifest, relative to the catalogue's own. */
      manifest: v.pipe(v.string(), v.minLength(1)),
    }),
  ),
  /** Revisions that must not run any more: refused, and purged where they are stored. */
  withdrawn: v.optional(v.array(object({ name: nameSchema, revision: nameSchema, reason: v.optional(v.string()) }))),
})

export type Catalog = v.InferOutput<typeof catalogSchema>

import * as v from 'valibot'
import type { TokensPreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'

/** As the OpenAI API limits them: texts of a request, and tokens of all of them. */
const maxTexts = 2048
export const maxTokens = 300_000

const tokensSchema = v.pipe(
  v.custom<number[]>((input) => Array.isArray(input) && input.length > 0 && input.every(isToken), 'must be tokens'),
)
const isToken = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const bodySchema = v.object({
  input: v.union([
    v.string(),
    tokensSchema,
    v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(maxTexts)),
    v.pipe(v.array(tokensSchema), v.minLength(1), v.maxLength(maxTexts)),
  ]),
  // `null` stands for "absent" in requests of clients that are written in Python.
  encoding_format: v.nullish(v.picklist(['float', 'base64'])),
  dimensions: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
})
export type EmbeddingRequest = v.InferOutput<typeof bodySchema>

/** What is needed to split a model's texts into tokens. */
export interface TokenizerFiles {
  readonly preprocessing: TokensPreprocessing
  /** The model's inputs. */
  readonly specs: readonly TensorSpec[]
  /** The files that the preprocessing names, by path. */
  readonly texts: ReadonlyMap<string, string>
}

/** A request as the model takes it: one run for each text. */
export interface TokenizedRequest {
  readonly runs: readonly TensorMap[]
  readonly tokens: number
  readonly format: 'float' | 'base64'
  readonly dimensions?: number | undefined
}

/** Reads a request's body. @throws {ValidationError} `options-invalid` */
export function parseEmbeddingRequest(body: Uint8Array): EmbeddingRequest {
  const parsed = v.safeParse(bodySchema, parseJson(body), { abortEarly: true })
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new ValidationError('options-invalid', `"${v.getDotPath(issue) ?? 'the body'}": ${issue.message}.`)
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new ValidationError('options-invalid', 'The body is no JSON.', { cause })
  }
}

/** The texts of a request, whichever form they came in. */
export const toTexts = ({ input }: EmbeddingRequest): readonly (string | readonly number[])[] =>
  typeof input === 'string' || typeof input[0] === 'number'
    ? [input as string | number[]]
    : (input as string[] | number[][])

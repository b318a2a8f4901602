import { type GgufFile, type GgufValue, unreadableGguf, unsupportedGguf } from './read-gguf.ts'

/** What a Llama-like decoder is made of. */
export interface DecoderPlan {
  /** As GGUF calls it. */
  readonly architecture: string
  readonly layers: number
  readonly width: number
  /** Of the layers between: each token's state is spread to so many numbers, and joined again. */
  readonly innerWidth: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  /** Rows of the table of tokens. */
  readonly vocabulary: number
  /** Tokens that it was made to look back on. */
  readonly contextTokens: number
  /** Of the rotary positions (Su et al. 2021, RoFormer). */
  readonly theta: number
  /** Positions are divided by this: 1 but for models that were stretched to a longer context. */
  readonly positionScale: number
  /** Of the RMS norms. */
  readonly epsilon: number
  /** Rows of query and key are sorted as llama.cpp has them. */
  readonly isSorted: boolean
}

/** The architectures whose maths is written here, and whether llama.cpp sorts their rows. */
const architectures: Readonly<Record<string, { readonly isSorted: boolean }>> = {
  llama: { isSorted: true },
  qwen2: { isSorted: false },
  qwen3: { isSorted: false },
}

/** Settings that would make another model of it, and the value with which they do nothing. */
const withoutEffect: Readonly<Record<string, GgufValue>> = {
  'attention.causal': true,
  'attention.clamp_kqv': 0,
  'attention.max_alibi_bias': 0,
  attn_logit_softcapping: 0,
  final_logit_softcapping: 0,
  embedding_scale: 1,
  expert_count: 0,
  logit_scale: 1,
  residual_scale: 1,
  use_parallel_residual: false,
  'rope.scaling.attn_factor': 1,
}

/** Larger sizes are no model that anybody made, and would fill the memory before they are found out. */
const mostSize = 2 ** 24

/**
 * Reads what a decoder is made of from a GGUF file's settings.
 *
 * @throws {ModelError} `gguf-unsupported`: an architecture or a setting whose maths is not written here, by its name;
 *   `gguf-unreadable`: a setting is missing, or makes no sense
 */
export function readDecoderPlan({ metadata, tensors }: GgufFile): DecoderPlan {
  const architecture = metadata.get('general.architecture')
  const known = typeof architecture === 'string' && Object.hasOwn(architectures, architecture)
  if (!known) {
    const its =
      typeof architecture === 'string'
        ? `its architecture is "${architecture.slice(0, 50)}"`
        : 'it says no architecture'
    throw unsupportedGguf(`${its}; ${Object.keys(architectures).join(', ')} are converted`)
  }
  const get = (key: string) => metadata.get(`${architecture}.${key}`)
  const number = (key: string, otherwise?: number): number => {
    const value = get(key) ?? otherwise
    if (Array.isArray(value)) throw unsupportedGguf(`"${architecture}.${key}" is another one for each layer`)
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw unreadableGguf(`"${architecture}.${key}" is ${value === undefined ? 'missing' : 'no number'}`)
    }
    return value
  }
  const whole = (key: string, otherwise?: number): number => {
    const value = number(key, otherwise)
    if (Number.isInteger(value) && value >= 1 && value <= mostSize) return value
    throw unreadableGguf(`"${architecture}.${key}" is ${value}`)
  }
  const positive = (key: string, otherwise?: number): number => {
    const value = number(key, otherwise)
    if (value > 0) return value
    throw unreadableGguf(`"${architecture}.${key}" is ${value}`)
  }
  for (const [key, value] of Object.entries(withoutEffect)) {
    const stated = get(key)
    if (stated !== undefined && stated !== value) {
      throw unsupportedGguf(`"${architecture}.${key}" is ${String(stated)}, which is not computed here`)
    }
  }

  const width = whole('embedding_length')
  const heads = whole('attention.head_count')
  const kvHeads = whole('attention.head_count_kv', heads)
  if (heads % kvHeads !== 0) throw unreadableGguf(`${heads} heads can't share ${kvHeads} keys`)
  const headSize = whole('attention.key_length', width / heads)
  const refuseUnless = (key: string, wanted: number, otherwise: number) => {
    const value = number(key, otherwise)
    if (value !== wanted)
      throw unsupportedGguf(`"${architecture}.${key}" is ${value}, and only ${wanted} is computed here`)
  }
  refuseUnless('attention.value_length', headSize, headSize)
  refuseUnless('rope.dimension_count', headSize, headSize)
  if (headSize % 2 !== 0) throw unreadableGguf(`a head has ${headSize} numbers, which are not pairs`)
  const scale = get('attention.scale')
  if (typeof scale === 'number' && scale !== 0 && Math.abs(scale - headSize ** -0.5) > 1e-6) {
    throw unsupportedGguf(`"${architecture}.attention.scale" is ${scale}, which is not computed here`)
  }
  const rows = tensors.get('token_embd.weight')?.dims[1]
  if (rows === undefined) throw unreadableGguf('it lacks the weights token_embd.weight')
  if (!(rows >= 1 && rows <= mostSize)) throw unreadableGguf(`it has ${rows} tokens`)
  return {
    architecture,
    layers: whole('block_count'),
    width,
    innerWidth: whole('feed_forward_length'),
    heads,
    kvHeads,
    headSize,
    vocabulary: rows,
    contextTokens: contextOf(whole('context_length'), get('attention.sliding_window')),
    theta: positive('rope.freq_base', 10_000),
    positionScale: positionScaleOf(architecture, get, positive),
    epsilon: positive('attention.layer_norm_rms_epsilon'),
    isSorted: architectures[architecture]?.isSorted ?? false,
  }
}

/** Within a window that slides, every token is seen, as if there were none: up to its size the model is the same. */
function contextOf(contextTokens: number, window: GgufValue | undefined): number {
  return typeof window === 'number' && window > 0 ? Math.min(contextTokens, window) : contextTokens
}

function positionScaleOf(
  architecture: string,
  get: (key: string) => GgufValue | undefined,
  positive: (key: string, otherwise?: number) => number,
): number {
  const type = get('rope.scaling.type')
  if (type === 'linear') return positive('rope.scaling.factor')
  if (type !== undefined && type !== 'none') {
    throw unsupportedGguf(
      `"${architecture}.rope.scaling.type" is "${String(type).slice(0, 50)}"; "linear" and Llama's own are computed`,
    )
  }
  // As older files say it.
  return positive('rope.scale_linear', 1)
}

import { createSeededRandom } from '../utils/seeded-random.ts'
import { type TestFormat, testFormats } from './ggml-formats.ts'
import type { ReferenceDecoder } from './reference-decoder.ts'
import { type GgufTestFile, type GgufTestTensor, type GgufTestValue, writeGguf } from './write-gguf.ts'

export interface RandomDecoderOptions {
  readonly architecture: 'llama' | 'qwen2' | 'qwen3'
  /** Of the matrices. Default F32. */
  readonly format?: string
  /** Of the table of tokens. Default: as the matrices. */
  readonly tableFormat?: string
  /** Of what makes values and gates. Default: as the other matrices. */
  readonly valueFormat?: string
  /** It has an output of its own. Default false. */
  readonly untied?: boolean
  readonly ropeFactors?: boolean
  readonly metadata?: Readonly<Record<string, GgufTestValue>> | undefined
  readonly vocabulary?: number
  /** How much larger a few of the activations are than the others. Default 1. */
  readonly outlier?: number
}

const sizes = {
  width: 256,
  innerWidth: 512,
  heads: 4,
  kvHeads: 2,
  headSize: 64,
  layers: 2,
  theta: 10_000,
  epsilon: 1e-5,
}

/** A byte-level tokenizer of the 256 bytes, an end, and one merge. */
export const byteTokenizer = (vocabulary: number): Record<string, GgufTestValue> => {
  const letters = byteLetters()
  const tokens = [
    ...letters,
    'he',
    '<|end|>',
    ...Array.from({ length: vocabulary - 258 }, (_, index) => `[PAD${index}]`),
  ]
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': { texts: tokens },
    'tokenizer.ggml.token_type': { ints: tokens.map((_, id) => (id < 257 ? 1 : id === 257 ? 3 : 5)) },
    'tokenizer.ggml.merges': { texts: ['h e'] },
    'tokenizer.ggml.eos_token_id': 257,
  }
}

/** How byte-level tokenizers write bytes: those that are no letters of their own come after 255. */
function byteLetters(): string[] {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const isOwn = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    if (isOwn) return String.fromCharCode(byte)
    next += 1
    return String.fromCharCode(next - 1)
  })
}

/** A decoder of random numbers as a GGUF file, and the same numbers for a reference. */
export function randomDecoder(options: RandomDecoderOptions) {
  const {
    architecture,
    format = 'F32',
    tableFormat = format,
    valueFormat = format,
    untied = false,
    vocabulary = 300,
    outlier = 1,
  } = options
  const { width, innerWidth, heads, kvHeads, headSize, layers, theta, epsilon } = sizes
  const random = createSeededRandom(7)
  const formatOf = (name: string): TestFormat => {
    const found = testFormats.find((each) => each.name === name)
    if (found === undefined) throw new Error(name)
    return found
  }
  const tensors: GgufTestTensor[] = []
  const numbers = new Map<string, Float32Array>()
  const tensor = (name: string, dims: readonly number[], kind: string, spread?: readonly [number, number]) => {
    const { type, elements, bytes, fill, read } = formatOf(kind)
    const blocks = dims.reduce((product, size) => product * size, 1) / elements
    const data = new Uint8Array(blocks * bytes)
    const values = new Float32Array(blocks * elements)
    for (let block = 0; block < blocks; block += 1) {
      const view = new DataView(data.buffer, block * bytes, bytes)
      if (spread === undefined) fill(view, random)
      else for (let at = 0; at < bytes; at += 4) view.setFloat32(at, spread[0] + random() * spread[1], true)
      values.set(read(view), block * elements)
    }
    tensors.push({ name, dims, type, bytes: data })
    numbers.set(name, values)
  }
  const vector = (name: string, size: number, from: number, spread: number) =>
    tensor(name, [size], 'F32', [from, spread])
  /** Of a layer's norms; one of its numbers may make what is multiplied next much larger than the rest. */
  const normVector = (name: string) => {
    vector(name, width, 0.5, 1)
    const bytes = tensors.at(-1)?.bytes
    if (bytes === undefined || outlier === 1) return
    new DataView(bytes.buffer).setFloat32(4 * 3, outlier, true)
    numbers.get(name)?.set([outlier], 3)
  }

  tensor('token_embd.weight', [width, vocabulary], tableFormat)
  vector('output_norm.weight', width, 0.5, 1)
  if (untied) tensor('output.weight', [width, vocabulary], tableFormat)
  if (options.ropeFactors === true) vector('rope_freqs.weight', headSize / 2, 1, 7)
  for (let layer = 0; layer < layers; layer += 1) {
    const blk = `blk.${layer}`
    normVector(`${blk}.attn_norm.weight`)
    normVector(`${blk}.ffn_norm.weight`)
    for (const [part, rows] of [
      ['q', heads * headSize],
      ['k', kvHeads * headSize],
      ['v', kvHeads * headSize],
    ] as const) {
      tensor(`${blk}.attn_${part}.weight`, [width, rows], part === 'v' ? valueFormat : format)
      if (architecture === 'qwen2') vector(`${blk}.attn_${part}.bias`, rows, -0.5, 1)
      if (architecture === 'qwen3' && part !== 'v') vector(`${blk}.attn_${part}_norm.weight`, headSize, 0.5, 1)
    }
    tensor(`${blk}.attn_output.weight`, [heads * headSize, width], format)
    tensor(`${blk}.ffn_gate.weight`, [width, innerWidth], valueFormat)
    tensor(`${blk}.ffn_up.weight`, [width, innerWidth], format)
    tensor(`${blk}.ffn_down.weight`, [innerWidth, width], format)
  }
  const settings: Record<string, GgufTestValue> = {
    'general.architecture': architecture,
    'general.name': `Random ${architecture}`,
    [`${architecture}.block_count`]: layers,
    [`${architecture}.context_length`]: 128,
    [`${architecture}.embedding_length`]: width,
    [`${architecture}.feed_forward_length`]: innerWidth,
    [`${architecture}.attention.head_count`]: heads,
    [`${architecture}.attention.head_count_kv`]: kvHeads,
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { float: epsilon },
    [`${architecture}.rope.freq_base`]: { float: theta },
    ...byteTokenizer(vocabulary),
    ...options.metadata,
  }
  const file: GgufTestFile = { metadata: settings, tensors }
  const reference: ReferenceDecoder = {
    ...sizes,
    vocabulary,
    turnsNeighbours: architecture === 'llama',
    positionScale: 1,
    numbers,
  }
  return { file, bytes: writeGguf(file), reference }
}

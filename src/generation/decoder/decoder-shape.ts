import type { InferenceSession } from 'onnxruntime-common'

/** What a decoder's graph has, as the hub's exports have it. */
export interface DecoderShape {
  readonly layers: number
  readonly kvHeads: number
  readonly headSize: number
  /** Of keys and values. */
  readonly type: 'float32' | 'float16'
  /** Whether it wants the tokens' positions. */
  readonly takesPositions: boolean
  readonly takesMask: boolean
  /** Whether it is to be told if logits are wanted. */
  readonly takesLogitRows: boolean
  /**
   * What a run gives of the cache: all keys and values, as the hub's exports do, or those of its own tokens (`new.N.key`
   * and `.value`, [1, heads, tokens, size]).
   */
  readonly gives: 'present' | 'new'
}

type Metadata = Pick<InferenceSession, 'inputMetadata' | 'inputNames' | 'outputNames'>

const keyName = /^past_key_values\.(\d+)\.key$/
const known = /^(input_ids|attention_mask|position_ids|logit_rows|past_key_values\.\d+\.(key|value))$/

/**
 * Reads the shape of a decoder off its session: inputs `input_ids` [1, tokens], `attention_mask` [1, past + tokens],
 * `position_ids` [1, tokens], `past_key_values.N.key` and `.value` [1, heads, past, size]; outputs `logits`
 * [1, tokens, vocabulary] and `present.N.key` and `.value`. One that gives `new.N.key` and `.value` instead takes keys
 * as [1, heads, size, past], and may take `logit_rows`: with [0] it gives the last token's logits, with [] none.
 *
 * @returns undefined, and why, where it has another form
 */
export function readDecoderShape(session: Metadata): DecoderShape | string {
  const { inputMetadata, inputNames, outputNames } = session
  if (!inputNames.includes('input_ids')) return 'it has no input "input_ids"'
  if (!outputNames.includes('logits')) return 'it has no output "logits"'
  const other = inputNames.find((name) => !known.test(name))
  if (other !== undefined) return `nothing is known of its input "${other}"`
  const layers = inputNames.filter((name) => keyName.test(name)).length
  if (layers === 0) return 'it has no cache of keys and values'
  const gives = outputNames.includes('new.0.key') ? 'new' : 'present'
  const lacking = Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`])
    .flat()
    .find((name) => !inputNames.includes(`past_key_values.${name}`) || !outputNames.includes(`${gives}.${name}`))
  if (lacking !== undefined) return `its cache lacks "${lacking}"`
  const key = inputMetadata.find(({ name }) => name === 'past_key_values.0.key')
  if (key?.isTensor !== true) return 'its cache is no tensor'
  const [, kvHeads, third, fourth] = key.shape
  const headSize = gives === 'new' ? third : fourth
  if (typeof kvHeads !== 'number' || typeof headSize !== 'number') return 'the size of its cache is not fixed'
  if (key.type !== 'float32' && key.type !== 'float16') return `its cache is ${key.type}`
  if (gives === 'new' && (key.type !== 'float32' || !inputNames.includes('attention_mask')))
    return 'its cache has empty places, and it takes no mask of them'
  return {
    layers,
    kvHeads,
    headSize,
    type: key.type,
    takesPositions: inputNames.includes('position_ids'),
    takesMask: inputNames.includes('attention_mask'),
    takesLogitRows: inputNames.includes('logit_rows'),
    gives,
  }
}

/** Bytes of keys and values of so many tokens. */
export const keyValueBytes = ({ layers, kvHeads, headSize, type }: DecoderShape, tokens: number): number =>
  2 * layers * kvHeads * headSize * tokens * (type === 'float16' ? 2 : 4)

import { setImmediate } from 'node:timers/promises'
import { type InferenceSession, Tensor } from 'onnxruntime-node'
import { createDecoder, type Decoder, type DecoderSession, type Step } from '../generation/decoder/create-decoder.ts'
import { createJointDecoder } from '../generation/decoder/joint/joint-decoder.ts'
import { likeliest } from '../generation/sampling/candidates.ts'

type Run = InferenceSession['run']
/** The session, whose runs are seen and may be changed. */
const watched = (
  own: InferenceSession,
  run: (texts: number, inner: () => ReturnType<Run>) => ReturnType<Run>,
  see: (feeds: InferenceSession.FeedsType) => void,
) =>
  ({
    inputMetadata: own.inputMetadata,
    inputNames: own.inputNames,
    outputNames: own.outputNames,
    run: ((feeds: InferenceSession.FeedsType) => {
      see(feeds)
      return run(feeds.input_ids?.dims[0] ?? 0, () => own.run(feeds))
    }) as DecoderSession['run'],
  }) satisfies DecoderSession

/** @returns the decoder, and how many texts each of its runs has read */
export function openJoint(
  session: InferenceSession,
  options: {
    readonly emptyBytes?: number
    readonly run?: (texts: number, inner: () => ReturnType<Run>) => ReturnType<Run>
    /** Told of each run before it begins. */
    readonly see?: (feeds: InferenceSession.FeedsType) => void
  } = {},
) {
  const { emptyBytes = 1e9, run = (_, inner) => inner(), see = () => {} } = options
  const sizes: number[] = []
  const seen = (texts: number, inner: () => ReturnType<Run>) => {
    sizes.push(texts)
    return run(texts, inner)
  }
  const own = watched(session, seen, see)
  const decoder = createJointDecoder(own, Tensor, { emptyBytes, gather: () => setImmediate() })
  if (typeof decoder === 'string') throw new Error(decoder)
  return { decoder, sizes }
}
/** Ids of a prompt. */
export const promptOf = (length: number, seed: number) => Array.from({ length }, (_, at) => (at * 7 + seed * 31) % 256)

/** A text that goes on with the likeliest token each time. */
export function openText(decoder: Decoder, prompt: readonly number[]) {
  let last: Step | undefined
  const logits: Float32Array[] = []
  const ids: number[] = []
  const take = (step: Step, before?: Step) => {
    if (before !== undefined) decoder.release(before.keyValues)
    last = step
    logits.push(step.logits.slice())
    ids.push(likeliest(step.logits))
  }
  return {
    logits,
    ids,
    begin: async () => take(await decoder.read(prompt, decoder.start)),
    async next() {
      if (last === undefined) throw new Error('it was not begun')
      take(await decoder.read(ids.slice(-1), last.keyValues), last)
    },
    leave() {
      if (last !== undefined) decoder.settle?.(last.keyValues)
    },
    get keyValues() {
      if (last === undefined) throw new Error('it was not begun')
      return last.keyValues
    },
  }
}

/** What a text is where it is the only one. */
export async function writtenAlone(session: InferenceSession, prompt: readonly number[], tokens: number) {
  const decoder = createDecoder(session, Tensor)
  if (typeof decoder === 'string') throw new Error(decoder)
  const text = openText(decoder, prompt)
  await text.begin()
  for (let token = 1; token < tokens; token += 1) await text.next()
  return text
}

import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { forEachLimited } from '../../utils/for-each-limited.ts'
import type { InferEngine, ServedModel } from '../engine/infer-engine.ts'
import type { InferenceTimes } from '../engine/run-inference.ts'
import { toEmbedding } from './pool-tokens.ts'
import { openTextTokenizer, type TextOrTokens, type TextTokenizer } from './text-tokenizer.ts'

/** Runs of one request at a time: it must not fill the model's queue alone. Equal lengths are joined by the engine. */
const maxRuns = 8

/** Tokens of all texts of a request, as the OpenAI API limits them. */
const maxTokens = 300_000

export interface Embedded {
  /** In the texts' order. */
  readonly vectors: readonly Float32Array[]
  readonly tokens: number
  /** Sums over the texts; the wait is the longest. */
  readonly times: InferenceTimes
}

/** Does a model turn text into vectors, by what its manifest says? */
export const embeds = ({ manifest }: ServedModel): boolean =>
  manifest?.preprocessing?.kind === 'tokens' && manifest.decoding?.kind === 'embedding'

/** Turns texts into vectors with the models of an engine that embed. */
export function createTextEmbedder(engine: InferEngine): {
  /**
   * @throws {ValidationError} the model does not embed, or a text is empty or too long
   * @throws {CloudError} as the engine
   * @throws the signal's reason when it aborts
   */
  embed(model: ServedModel, texts: readonly TextOrTokens[], signal: AbortSignal): Promise<Embedded>
} {
  // A model that is loaded again comes with other texts.
  const tokenizers = new WeakMap<ReadonlyMap<string, string>, Promise<TextTokenizer>>()

  const partsOf = async ({ name, manifest, texts, unavailable }: ServedModel) => {
    const { preprocessing, decoding, inputs = [] } = manifest ?? {}
    if (preprocessing?.kind !== 'tokens' || decoding?.kind !== 'embedding') {
      throw new ValidationError('options-invalid', `The model ${name} does not embed texts.`)
    }
    if (texts === undefined) throw new CloudError('cloud-overloaded', unavailable ?? `The model ${name} is not ready.`)
    const tokenizer = tokenizers.get(texts) ?? openTextTokenizer(preprocessing, inputs, texts)
    tokenizers.set(texts, tokenizer)
    return { decoding, tokenizer: await tokenizer }
  }

  return {
    async embed(model, texts, signal) {
      const startMs = performance.now()
      const { decoding, tokenizer } = await partsOf(model)
      let tokens = 0
      const asked = texts.map((text) => {
        const { inputs, tokens: own } = tokenizer.toInputs(text)
        tokens += own
        if (tokens > maxTokens) {
          throw new ValidationError('options-invalid', `A request may have ${maxTokens} tokens in all of its texts.`)
        }
        return inputs
      })
      const decodedMs = performance.now()
      const vectors: Float32Array[] = []
      const times = { queueMs: 0, loadMs: 0, computeMs: 0, batch: 1 }
      await forEachLimited(asked, maxRuns, async (inputs, index) => {
        const outputs = [decoding.output]
        const result = await engine.infer({ model, inputs, outputs, parameters: {} }, signal)
        vectors[index] = toEmbedding(result.outputs[decoding.output], decoding)
        times.queueMs = Math.max(times.queueMs, result.queueMs)
        times.loadMs += result.loadMs
        times.computeMs += result.computeMs
        times.batch = Math.max(times.batch, result.batch)
      })
      const endMs = performance.now()
      return {
        vectors,
        tokens,
        times: { ...times, decodeMs: decodedMs - startMs, encodeMs: 0, totalMs: endMs - startMs },
      }
    },
  }
}

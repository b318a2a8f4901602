import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { forEachLimited } from '../../utils/for-each-limited.ts'
import type { InferEngine, ServedModel } from '../engine/infer-engine.ts'
import type { InferenceTimes } from '../engine/run-inference.ts'
import type { TokenizedRequest } from './embedding-request.ts'
import { toEmbedding } from './pool-tokens.ts'
import type { TokenizerThread } from './tokenizer-thread.ts'

/** Runs of one request at a time: it must not fill the model's queue alone. Equal lengths are joined by the engine. */
const maxRuns = 8

export interface Embedded extends Pick<TokenizedRequest, 'tokens' | 'format' | 'dimensions'> {
  /** In the texts' order. */
  readonly vectors: readonly Float32Array[]
  /** Sums over the texts; the wait is the longest. */
  readonly times: InferenceTimes
}

/** Does a model turn text into vectors, by what its manifest says? */
export const embeds = ({ manifest }: ServedModel): boolean =>
  manifest?.preprocessing?.kind === 'tokens' && manifest.decoding?.kind === 'embedding'

/** Turns texts into vectors with the models of an engine that embed. */
export function createTextEmbedder(
  engine: InferEngine,
  tokenizers: TokenizerThread,
): {
  /**
   * @param body the request of the OpenAI API; its memory is given away
   * @throws {ValidationError} the model does not embed, or a text is empty or too long
   * @throws {CloudError} as the engine
   * @throws the signal's reason when it aborts
   */
  embed(model: ServedModel, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Embedded>
} {
  const partsOf = ({ name, manifest, texts, unavailable }: ServedModel) => {
    const { preprocessing, decoding, inputs: specs = [] } = manifest ?? {}
    if (preprocessing?.kind !== 'tokens' || decoding?.kind !== 'embedding') {
      throw new ValidationError('options-invalid', `The model ${name} does not embed texts.`)
    }
    if (texts === undefined) throw new CloudError('cloud-overloaded', unavailable ?? `The model ${name} is not ready.`)
    return { decoding, files: { preprocessing, specs, texts } }
  }

  return {
    async embed(model, body, signal) {
      const startMs = performance.now()
      const { decoding, files } = partsOf(model)
      const { runs, ...asked } = await tokenizers.read(files, body)
      signal.throwIfAborted()
      const decodedMs = performance.now()
      const vectors: Float32Array[] = []
      const times = { queueMs: 0, loadMs: 0, computeMs: 0, batch: 1 }
      await forEachLimited(runs, maxRuns, async (inputs, index) => {
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
        ...asked,
        vectors,
        times: { ...times, decodeMs: decodedMs - startMs, encodeMs: 0, totalMs: endMs - startMs },
      }
    },
  }
}

import { setImmediate } from 'node:timers/promises'
import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { invariant } from '../../utils/invariant.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import {
  maxTokens,
  parseEmbeddingRequest,
  type TokenizedRequest,
  type TokenizerFiles,
  toTexts,
} from './embedding-request.ts'
import { openTextTokenizer, type TextTokenizer } from './text-tokenizer.ts'

/** Tokenizers that are kept; one that was not used for longest gives its place to a new one. */
const maxKept = 8

/** What the thread that splits texts offers. */
export function createTokenizerMethods() {
  const kept = new Map<string, TextTokenizer>()
  return {
    has: (key: string) => ({ value: kept.has(key) }),
    async load(key: string, files: TokenizerFiles) {
      kept.set(key, await openTextTokenizer(files.preprocessing, files.specs, files.texts))
      const [oldest] = kept.keys()
      if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest)
      return { value: undefined }
    },
    async read(key: string, body: Uint8Array) {
      const tokenizer = kept.get(key)
      invariant(tokenizer !== undefined, `There is no tokenizer ${key}.`)
      kept.delete(key)
      kept.set(key, tokenizer)
      const request = parseEmbeddingRequest(body)
      const runs: TensorMap[] = []
      let tokens = 0
      for (const text of toTexts(request)) {
        const { inputs, tokens: own } = tokenizer.toInputs(text)
        tokens += own
        if (tokens > maxTokens) {
          throw new ValidationError('options-invalid', `A request may have ${maxTokens} tokens in all of its texts.`)
        }
        runs.push(inputs)
        // Requests take turns: one of many long texts does not keep the others waiting.
        await setImmediate()
      }
      const { encoding_format: format, dimensions } = request
      const value: TokenizedRequest = { runs, tokens, format: format ?? 'float', dimensions: dimensions ?? undefined }
      return { value, transfer: runs.flatMap(tensorBuffers) }
    },
  }
}

export type TokenizerMethods = ReturnType<typeof createTokenizerMethods>

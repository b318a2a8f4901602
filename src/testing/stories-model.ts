import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../shared/models/stories260k/', import.meta.url))

/** A small trained language model, where `../shared/models` is. */
export const hasStoriesModel = existsSync(folder)
if (!hasStoriesModel) console.log('../shared/models/stories260k is not there: nothing is written by a real model')

const json = (name: string): unknown => JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))

/** Its files, and a prompt with what it writes to that: greedy ids, as they are written down. */
export const storiesModel = () => ({
  graph: `${folder}onnx/model.onnx`,
  tokenizer: json('tokenizer.json'),
  config: json('tokenizer_config.json'),
  expected: json('expected.json') as { readonly prompt: string; readonly greedy_ids: readonly number[] },
  vocabulary: 512,
  contextTokens: 512,
  ends: new Set([1, 2]),
})

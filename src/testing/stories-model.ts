import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openTextCodec } from '../generation/prompt/text-codec.ts'
import { decoderSpecs } from './decoder-specs.ts'
import { fakeManifest } from './fake-manifest.ts'
import type { OracleRow } from './stories-ids.ts'

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

/** It as a model of a catalogue: its files by their paths, and a manifest. */
export async function storiesWriter(name = 'stories260k') {
  const paths = ['onnx/model.onnx', 'tokenizer.json', 'tokenizer_config.json']
  const files = Object.fromEntries(paths.map((path) => [path, new Uint8Array(readFileSync(`${folder}${path}`))]))
  const { vocabulary, contextTokens, ends } = storiesModel()
  const cache = { layers: 5, kvHeads: 4, headSize: 8, type: 'float32' as const }
  const manifest = await fakeManifest(files, {
    name,
    task: 'text-generation',
    tolerance: { absolute: 1e-3 },
    ...decoderSpecs({ cache, vocabulary }, -1),
    generation: {
      tokenizer: 'tokenizer.json',
      tokenizerConfig: 'tokenizer_config.json',
      ...{ vocabulary, contextTokens, cache, ends: [...ends] },
    },
  })
  return { manifest, files }
}

/** The text that an answer's ids are, without the one that ends it. */
export function storiesTexts(): (row: OracleRow) => string {
  const { ends, ...model } = storiesModel()
  const codec = openTextCodec(model, model)
  return ({ prompt, answer }) => {
    const own = answer.filter((id) => !ends.has(id))
    return codec.decode([...prompt, ...own]).slice(codec.decode(prompt).length)
  }
}

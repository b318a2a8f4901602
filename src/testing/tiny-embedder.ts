import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmbeddingDecoding } from '../contracts/decoding.ts'
import { tinyOnnx } from './tiny-onnx.ts'
import { writeModel } from './write-model.ts'

/** A tokenizer of whole words between `[CLS]` and `[SEP]`, as BERT's models have it. */
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'here', 'and', 'there']
const special = (content: string) => ({
  id: vocabulary.indexOf(content),
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})
const wordTokenizer = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map(special),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
  },
})

/** A tokenizer of single characters whose code calls itself with as many arguments as a text has tokens. */
export const characterTokenizer = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['a', -1],
      ['b', -1],
    ],
  },
})

/**
 * Writes a model that embeds: each token's vector is its number and the number's square, so `here and` has the tokens
 * 2, 4, 5, 3 and the mean [3.5, 13.5].
 */
export async function writeTinyEmbedder(
  modelsDir: string,
  name: string,
  decoding: Omit<EmbeddingDecoding, 'kind' | 'output'>,
  { maxTokens = 6, tokenizer = wordTokenizer }: { readonly maxTokens?: number; readonly tokenizer?: string } = {},
): Promise<void> {
  const tokens = (of: string) => ({ name: of, type: 'int64' as const, shape: [1, -1] })
  const specs = {
    inputs: [tokens('input_ids'), tokens('attention_mask')],
    outputs: [{ name: 'last_hidden_state', type: 'float32' as const, shape: [1, -1, 2] }],
  }
  const table = Float32Array.from(vocabulary.flatMap((_, id) => [id, id * id]))
  const graph = tinyOnnx({
    ...specs,
    nodes: [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['last_hidden_state'] }],
    initializers: [{ name: 'table', type: 'float32', dims: [vocabulary.length, 2], data: table }],
  })
  await mkdir(join(modelsDir, name, 'r1'), { recursive: true })
  await writeFile(join(modelsDir, name, 'r1', 'tokenizer.json'), tokenizer)
  const fileOf = (path: string, bytes: Uint8Array) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { path, bytes: bytes.length, sha256 }
  }
  await writeModel(modelsDir, {
    name,
    ...specs,
    graph,
    manifest: {
      task: 'text-embedding',
      files: [fileOf('model.onnx', graph), fileOf('tokenizer.json', Buffer.from(tokenizer))],
      preprocessing: { kind: 'tokens', tokenizer: 'tokenizer.json', maxTokens },
      decoding: { kind: 'embedding', output: 'last_hidden_state', ...decoding },
    },
  })
}

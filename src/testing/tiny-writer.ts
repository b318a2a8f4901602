import type { Manifest } from '../contracts/manifest.ts'
import type { ModelFiles } from '../edge/worker-types.ts'
import { buildDecoder, type DecoderWeights } from '../models/gguf/decoder-graph.ts'
import type { DecoderPlan } from '../models/gguf/decoder-plan.ts'
import { createGraphBuilder, type GraphBuilder } from '../models/onnx/graph-builder.ts'
import { type OnnxWeight, writeOnnx } from '../models/onnx/write-onnx.ts'
import { createSeededRandom, drawNormal } from '../utils/seeded-random.ts'
import { decoderSpecs } from './decoder-specs.ts'
import { fakeManifest } from './fake-manifest.ts'
import { lettersTokenizer } from './letters-tokenizer.ts'

const { tokenizer, config, endId, vocabulary } = lettersTokenizer()

const plan: DecoderPlan = {
  architecture: 'llama',
  layers: 2,
  width: 32,
  innerWidth: 64,
  heads: 4,
  kvHeads: 2,
  headSize: 8,
  vocabulary,
  contextTokens: 256,
  theta: 10_000,
  positionScale: 1,
  epsilon: 1e-5,
  isSorted: false,
}

const chatTemplate =
  "{% for message in messages %}{{ message.role + '> ' + message.content + ' ' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant> ' }}{% endif %}"

/** Weights that nobody has trained: what they write is nonsense, and always the same. */
function randomWeights(seed: number, graph: GraphBuilder): DecoderWeights {
  const random = createSeededRandom(seed)
  const make = (name: string, dims: readonly number[], draw: () => number): OnnxWeight => {
    const numbers = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, draw)
    const bytes = new Uint8Array(numbers.buffer)
    return { name, type: 'float32', dims, bytes: bytes.length, read: () => bytes }
  }
  const times = (name: string, x: string, [to, from]: readonly [number, number], factor: number) => {
    const scale = factor / Math.sqrt(from)
    return graph.add('MatMul', [x, graph.weight(make(name, [from, to], () => scale * drawNormal(random)))])
  }
  return {
    has: () => false,
    vector: (name, size) => make(name, [size], () => 1),
    rows: (name, ids, dims) => graph.add('Gather', [graph.weight(make(name, dims, () => drawNormal(random))), ids]),
    times(matrices, x) {
      const products = matrices.map(({ name, dims }) => times(name, x, dims, 1))
      return products.length === 1 ? (products[0] ?? '') : graph.add('Concat', products, { axis: { int: -1 } })
    },
    head: (x, dims) => times('output.weight', x, dims, 2),
  }
}

async function graphOf(seed: number): Promise<Uint8Array> {
  const graph = createGraphBuilder()
  const pieces: Uint8Array[] = []
  const model = buildDecoder(plan, graph, randomWeights(seed, graph), 'present')
  for await (const piece of writeOnnx(model)) pieces.push(piece)
  return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer())
}

/** A language model of a few thousand weights, made here. */
export interface TinyWriter {
  readonly manifest: Manifest
  /** Its files by path, as they are served. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** Read anew each time: their buffers are handed to the worker. */
  readonly readFiles: () => Promise<ModelFiles>
}

/** Makes it. By the usual seed it writes on for more than a thousand tokens. @param changes of its manifest */
export async function tinyWriter(
  changes: Partial<Manifest> & { readonly contextTokens?: number; readonly seed?: number } = {},
): Promise<TinyWriter> {
  const { contextTokens = 256, seed = 11, ...own } = changes
  const encode = (value: string) => new TextEncoder().encode(value)
  const files = {
    'model.onnx': await graphOf(seed),
    'tokenizer.json': encode(JSON.stringify(tokenizer)),
    'tokenizer_config.json': encode(JSON.stringify(config)),
    'chat_template.jinja': encode(chatTemplate),
  }
  const { layers, kvHeads, headSize } = plan
  const cache = { layers, kvHeads, headSize, type: 'float32' as const }
  const manifest = await fakeManifest(files, {
    name: 'tiny-writer',
    task: 'text-generation',
    ...decoderSpecs({ cache, vocabulary }, 1),
    generation: {
      tokenizer: 'tokenizer.json',
      tokenizerConfig: 'tokenizer_config.json',
      chatTemplate: 'chat_template.jinja',
      vocabulary,
      contextTokens,
      ends: [endId],
      cache,
    },
    ...own,
  })
  return {
    manifest,
    files,
    readFiles: async () => ({
      graph: files['model.onnx'].slice(),
      generation: {
        tokenizer: files['tokenizer.json'].slice(),
        tokenizerConfig: files['tokenizer_config.json'].slice(),
        chatTemplate: files['chat_template.jinja'].slice(),
      },
    }),
  }
}

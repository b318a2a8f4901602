import type { Manifest } from '../../contracts/manifest.ts'
import type { ByteSource } from '../onnx/byte-source.ts'
import { createGraphBuilder } from '../onnx/graph-builder.ts'
import { type OnnxModel, planOutside, writeOnnx, writeOutside } from '../onnx/write-onnx.ts'
import { blockFormats } from './blocks/block-formats.ts'
import type { CacheOutputs } from './decoder-attention.ts'
import { buildDecoder } from './decoder-graph.ts'
import { type DecoderPlan, readDecoderPlan } from './decoder-plan.ts'
import { openGgufMatrices } from './gguf-matrices.ts'
import { openGgufWeights, type Precision, type Treatment } from './gguf-weights.ts'
import { configFiles, decoderFacts } from './model-facts.ts'
import { type GgufFile, readGguf, unsupportedGguf } from './read-gguf.ts'
import { readTokenizerFacts } from './tokenizer-facts.ts'
import { writeTokenizer } from './write-tokenizer.ts'

/** A file of a converted model. */
export interface ConvertedFile {
  /** Its path below the model's folder. */
  readonly path: string
  /** Its bytes, piece by piece; may be asked for several times. */
  pieces(): AsyncIterable<Uint8Array>
}

/** A model as Hither and the hub have them, out of a GGUF file. */
export interface ConvertedModel {
  /** What the file calls it; undefined where it does not. */
  readonly title: string | undefined
  readonly architecture: string
  /** Those that a manifest lists: graph, weights outside of it, tokenizer and chat template. */
  readonly files: readonly ConvertedFile[]
  /** What other programs that read the hub's layout want beside them. */
  readonly others: readonly ConvertedFile[]
  /** The manifest's fields that follow from the model. */
  readonly facts: Pick<
    Manifest,
    | 'task'
    | 'license'
    | 'graph'
    | 'externalData'
    | 'requires'
    | 'state'
    | 'opset'
    | 'inputs'
    | 'outputs'
    | 'generation'
    | 'complexity'
    | 'tolerance'
    | 'precision'
  >
  /** What became of its numbers. */
  readonly treatments: readonly Treatment[]
  /** Sentences about what is not as in the file. */
  readonly notes: readonly string[]
}

export interface ConvertOptions {
  /** How its numbers are written. Default `q8`. */
  readonly precision?: Precision | undefined
  /**
   * Whether other programs are to run it: the graph has the hub's inputs and outputs. Default: all but `q8`, whose graph
   * has a form of Hither's own, which is faster.
   */
  readonly forHub?: boolean | undefined
  /** Bytes of a graph up to which its weights lie inside. Default 512 MiB: larger ones are read into memory twice. */
  readonly insideBytes?: number | undefined
}

const graphNames = { fp32: 'model.onnx', q8: 'model_quantized.onnx', q4: 'model_q4.onnx' } as const

/** Tensors that other programs computed once, and that follow from the settings. */
const derived = /^rope_freqs\.weight$|\.attn_rot_embd$/

/**
 * Makes a language model in the hub's form out of a GGUF file: an ONNX graph whose weights are read from the file as they
 * are written, its tokenizer and its chat template. Llama-like decoders are converted: Llama, SmolLM, Mistral, Qwen 2
 * and 3 without experts. It needs memory for the file's largest matrix, not for the file.
 *
 * @throws {ModelError} `gguf-unreadable`: it is no GGUF file, or a damaged one; `gguf-unsupported`: it is one that can't
 *   be converted, with the reason. While files are written: what the source throws
 */
export async function convertGguf(source: ByteSource, options: ConvertOptions = {}): Promise<ConvertedModel> {
  const { precision = 'q8', forHub = precision !== 'q8', insideBytes = 512 * 1024 * 1024 } = options
  const file = await readGguf(source)
  const plan = readDecoderPlan(file)
  const tokenizer = readTokenizerFacts(file, plan.vocabulary)
  const tokenizerFiles = writeTokenizer(tokenizer)
  const { model, treatments } = toGraph(source, file, plan, { precision, outputs: forHub ? 'present' : 'new' })
  const weightBytes = model.weights.reduce((sum, { bytes }) => sum + bytes, 0)
  const name = graphNames[precision]
  const outside = weightBytes > insideBytes ? planOutside(model.weights, `${name}_data`) : undefined
  if (weightBytes >= mostBytes) {
    throw unsupportedGguf(
      `it would have ${Math.ceil(weightBytes / 1e6)} MB, and runtimes of browsers take less than 2 GiB; choose another precision or a smaller model`,
    )
  }
  // A manifest's weights lie where its graph names them, from the model's folder on.
  const graph = outside === undefined ? `onnx/${name}` : name
  const json = (path: string, value: object) => textFile(path, JSON.stringify(value))
  const { chatTemplate } = tokenizer
  return {
    title: textOf(file, 'general.name'),
    architecture: plan.architecture,
    files: [
      { path: graph, pieces: () => writeOnnx(model, outside) },
      ...(outside === undefined ? [] : [{ path: outside.location, pieces: () => writeOutside(outside) }]),
      json('tokenizer.json', tokenizerFiles.tokenizer),
      json('tokenizer_config.json', tokenizerFiles.config),
      ...(chatTemplate === undefined ? [] : [textFile('chat_template.jinja', chatTemplate)]),
    ],
    others: configFiles(plan, tokenizer).map(({ path, value }) => json(path, value)),
    facts: {
      ...decoderFacts(model, plan, tokenizer),
      license: licenseOf(file),
      graph,
      ...(outside === undefined ? {} : { externalData: [outside.location] }),
      // Products of whole numbers: WebGPU has none.
      ...(precision === 'q8' ? { requires: { backends: ['wasm'] } } : {}),
      precision: precision === 'fp32' ? 'float32' : precision === 'q8' ? 'int8' : toPrecision(treatments),
    },
    treatments,
    notes: notesOf(file, plan, chatTemplate),
  }
}

/** What a manifest may list, with room for the files beside the graph. */
const mostBytes = 2 ** 31 - 2 ** 26

function toGraph(
  source: ByteSource,
  file: GgufFile,
  plan: DecoderPlan,
  { precision, outputs }: { readonly precision: Precision; readonly outputs: CacheOutputs },
) {
  const matrices = openGgufMatrices(source, file, plan.isSorted ? plan.headSize : undefined)
  const graph = createGraphBuilder()
  const hasFourBits = [...file.tensors.values()].some(({ type }) => blockFormats.get(type)?.exact?.bits === 4)
  const weights = openGgufWeights(matrices, { precision, graph, hasFourBits })
  const model: OnnxModel = buildDecoder(plan, graph, weights, outputs)
  const unknown = matrices.unused().find((name) => !derived.test(name))
  if (unknown !== undefined) {
    throw unsupportedGguf(`it has the weights ${unknown}, which a decoder of the kind ${plan.architecture} has none of`)
  }
  return { model, treatments: weights.treatments() }
}

const toPrecision = (treatments: readonly Treatment[]): 'int4' | 'int8' | 'mixed' =>
  treatments.some(({ to }) => to === '4 bits')
    ? 'int4'
    : treatments.some(({ to }) => to === '8 bits')
      ? 'int8'
      : 'mixed'

const textFile = (path: string, text: string): ConvertedFile => ({
  path,
  async *pieces() {
    yield new TextEncoder().encode(text)
  },
})

function textOf({ metadata }: GgufFile, key: string): string | undefined {
  const value = metadata.get(key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function licenseOf(file: GgufFile): Manifest['license'] {
  const url = textOf(file, 'general.license.link')
  return { name: textOf(file, 'general.license') ?? 'not stated', ...(url === undefined ? {} : { url }) }
}

function notesOf({ metadata }: GgufFile, plan: DecoderPlan, chatTemplate: string | undefined): string[] {
  const notes: string[] = []
  const stated = metadata.get(`${plan.architecture}.context_length`)
  if (typeof stated === 'number' && stated > plan.contextTokens) {
    notes.push(
      `It looks back through a sliding window of ${plan.contextTokens} tokens, so its context is ${plan.contextTokens} tokens and not ${stated}.`,
    )
  }
  if (chatTemplate === undefined)
    notes.push('It has no chat template: it goes on with texts, and takes no conversations.')
  return notes
}

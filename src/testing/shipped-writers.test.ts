import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TensorLiteral } from '../contracts/tensor.ts'
import { createDecoder, type Decoder, type DecoderSession } from '../generation/decoder/create-decoder.ts'
import { createRememberedPrefixes } from '../generation/decoder/remembered-prefixes.ts'
import { openTextCodec } from '../generation/prompt/text-codec.ts'
import { greedy, type Sampling } from '../generation/sampling/sampling.ts'
import { writeText } from '../generation/write-text.ts'
import { parseCatalog, parseManifest } from '../models/manifest/parse-manifest.ts'
import { wellFormed } from '../utils/well-formed.ts'

// The language models that come with Hither: whole, right on onnxruntime-node and on onnxruntime-web's WASM, and writing
// what their cards show.

const models = 'packages/hither-models/models'
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const writers = parseCatalog(readJson(join(models, 'catalog.json')), 'catalog.json').models.flatMap((entry) => {
  const path = join(models, entry.manifest)
  const manifest = parseManifest(readJson(path), path)
  const { generation, files } = manifest
  const isHere = files.every(({ urls }) => urls === undefined)
  return generation !== undefined && isHere ? [{ folder: dirname(path), manifest, generation }] : []
})

/** One thread each: the test's machine has other things to do. */
async function openSessions(graph: string) {
  const bytes = readFileSync(graph)
  web.env.wasm.numThreads = 1
  return {
    node: await native.InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 }),
    wasm: await web.InferenceSession.create(new Uint8Array(bytes), { logSeverityLevel: 3 }),
  }
}

function toTensor({ type, shape, data }: TensorLiteral): web.Tensor {
  if (type === 'int64') return new web.Tensor(type, BigInt64Array.from(data, BigInt), shape)
  if (type === 'float32') return new web.Tensor(type, Float32Array.from(data), shape)
  throw new TypeError(`no canary has ${type} yet`)
}

/** The samples of a card: what was given, in bold, and what was written. Signs of Markdown are taken out again. */
function readSamples(card: string) {
  return card
    .slice(card.indexOf('## Ten samples'))
    .split(/\n\n\d+\.\n\n/)
    .slice(1)
    .map((quotation) => {
      const text = quotation.trimEnd().replaceAll(/^> ?/gm, '')
      const [, beginning = '', rest = ''] = /^\*\*(.*?[^\\])\*\*([\s\S]*)$/.exec(text) ?? []
      const plain = (escaped: string) => escaped.replaceAll(/\\([^\w\s])/g, '$1')
      return { beginning: plain(beginning), rest: plain(rest) }
    })
}

const withoutTrailing = (text: string) => text.replace(/\ufffd+$/, '').replaceAll(/[^\S\n]+$/gm, '')

describe.each(writers.map((writer) => [writer.manifest.name, writer] as const))('%s', (_, writer) => {
  const { folder, manifest, generation } = writer
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = generation.sampling ?? {}
  const sampling: Sampling = { ...greedy, temperature, topK, topP, minP, repetitionPenalty }
  const { tokenizer, tokenizerConfig, vocabulary, contextTokens } = generation
  const codec = openTextCodec(
    {
      tokenizer: readJson(join(folder, tokenizer)),
      config: tokenizerConfig === undefined ? {} : readJson(join(folder, tokenizerConfig)),
    },
    { vocabulary, contextTokens },
  )
  let sessions: Awaited<ReturnType<typeof openSessions>>
  let [inNode, inWasm]: Decoder[] = []
  beforeAll(async () => {
    sessions = await openSessions(join(folder, manifest.graph))
    const open = (session: DecoderSession, TensorClass: typeof web.Tensor) => {
      const decoder = createDecoder(session, TensorClass)
      if (typeof decoder === 'string') throw new Error(decoder)
      return decoder
    }
    inNode = open(sessions.node, native.Tensor)
    inWasm = open(sessions.wasm, web.Tensor)
  }, 600_000)

  async function write(decoder: Decoder | undefined, prompt: string, chosen: Sampling, maxTokens: number) {
    if (decoder === undefined) throw new Error('the model is not open')
    const writing = writeText({
      decoder,
      prefixes: createRememberedPrefixes(1e8),
      transcript: {
        prompt: codec.encode(prompt, { whole: true }),
        answer: [],
        sampling: chosen,
        stops: [],
        maxTokens,
      },
      decode: codec.decode,
      ends: new Set(generation.ends),
      contextTokens,
      pause: async () => {},
    })
    const tokens: number[] = []
    let text = ''
    for await (const piece of writing) {
      tokens.push(...piece.tokens)
      text += piece.text
    }
    return { tokens, text }
  }

  test('its files are the ones that the manifest names', () => {
    for (const { path, bytes, sha256 } of manifest.files) {
      const content = readFileSync(join(folder, path))
      expect(content.length).toBe(bytes)
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256)
    }
  })

  test('its graph is the decoder that the manifest describes', async () => {
    const { layers, kvHeads, headSize, type } = generation.cache
    const hubForm = { takesMask: true, takesPositions: true, takesLogitRows: false, gives: 'present' }
    expect(inNode?.shape).toEqual({ layers, kvHeads, headSize, type, ...hubForm })
    expect(sessions.node.inputNames).toEqual(manifest.inputs.map(({ name }) => name))
    expect(sessions.node.outputNames).toEqual(manifest.outputs.map(({ name }) => name))
    expect(manifest.state).toHaveLength(2 * layers)
    const step = await inNode?.read(codec.encode('Once', { whole: true }), inNode.start)
    expect(step?.logits).toHaveLength(vocabulary)
  })

  test('both engines give the canary its answer', async () => {
    const { inputs = [], outputs = [] } = manifest.canary ?? {}
    expect(outputs.map(({ name }) => name)).toEqual(['logits'])
    const feeds = Object.fromEntries(inputs.map((input) => [input.name, toTensor(input)]))
    for (const session of Object.values(sessions)) {
      const answers = await session.run(feeds)
      for (const { name, shape, data } of outputs) {
        expect(answers[name]?.dims).toEqual(shape)
        const got = answers[name]?.data as Float32Array
        expect(Math.max(...data.map((value, at) => Math.abs(value - (got[at] ?? Number.NaN))))).toBeLessThan(
          manifest.tolerance.absolute,
        )
      }
    }
  })

  test('both engines write the same, and what was read in pieces is as if it was read at once', async () => {
    const prompt = 'Once upon a time there was a king who had a golden bird. '.repeat(8)
    expect(codec.encode(prompt, { whole: true }).length).toBeGreaterThan(100)
    const { tokens } = await write(inNode, prompt, greedy, 40)
    expect(tokens.length).toBeGreaterThan(0)
    expect((await write(inWasm, prompt, greedy, 40)).tokens).toEqual(tokens)
    const whole = await inNode?.read([...codec.encode(prompt, { whole: true }), ...tokens.slice(0, -1)], inNode.start)
    expect(whole?.logits.indexOf(Math.max(...(whole?.logits ?? [])))).toBe(tokens.at(-1))
  })

  test.each([
    'Once upon a time,\n\nthere was “a king”.',
    '😀 👩‍👩‍👧 🇩🇪',
    '從前有一個國王。',
    'שלום עולם',
    '\ud83d and \udc00',
    '\u0000\u0001\u007f\u0080\u00ff\ufffd',
    '  two  blanks \t\r\n',
    'ﬁ é e\u0301 ½',
  ])('%j has tokens, and they are this text', (text) => {
    expect(codec.decode(codec.encode(text, { whole: true }))).toBe(wellFormed(text))
  })

  test('it writes the beginnings of its card’s samples', async () => {
    const samples = readSamples(readFileSync(join(folder, manifest.card ?? ''), 'utf8'))
    expect(samples).toHaveLength(10)
    const differing: string[] = []
    for (const [index, { beginning, rest }] of samples.entries()) {
      const { text } = await write(inNode, beginning, { ...sampling, seed: index + 1 }, 40)
      if (!rest.startsWith(withoutTrailing(text))) differing.push(beginning)
    }
    // Processors round differently, and once in some ten thousand tokens a drawn number lies that close to a border.
    expect(differing.length).toBeLessThanOrEqual(1)
  }, 600_000)
})

test('a model that writes comes with Hither', () => {
  expect(writers.map(({ manifest }) => manifest.name)).toContain('tales')
})

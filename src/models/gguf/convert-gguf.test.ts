import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import { createDecoder } from '../../generation/decoder/create-decoder.ts'
import { testFormats } from '../../testing/ggml-formats.ts'
import { type RandomDecoderOptions, randomDecoder } from '../../testing/random-decoder.ts'
import { type ReferenceDecoder, referenceLogits } from '../../testing/reference-decoder.ts'
import { writeGguf } from '../../testing/write-gguf.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { type ConvertedModel, type ConvertOptions, convertGguf } from './convert-gguf.ts'

const sourceOf = (bytes: Uint8Array<ArrayBuffer>) => blobSource(new Blob([bytes]))
const convert = (options: RandomDecoderOptions, how: ConvertOptions = {}) =>
  convertGguf(sourceOf(randomDecoder(options).bytes), how)

async function bytesOf(model: ConvertedModel, path: string): Promise<Uint8Array> {
  const file = model.files.find((each) => each.path === path)
  if (file === undefined) throw new Error(`no ${path}`)
  const parts: Uint8Array[] = []
  for await (const piece of file.pieces()) parts.push(piece)
  return Buffer.concat(parts)
}

const whole = async (options: RandomDecoderOptions, how: ConvertOptions) => {
  const model = await convert(options, how)
  return [model, model.facts.graph] as const
}

const prompt = [72, 101, 108, 108, 111, 32, 119, 111, 114, 108, 100]

/** The last token's logits, of a prompt that is read in two pieces. */
async function logitsOf(model: ConvertedModel): Promise<Float32Array> {
  const { graph, externalData = [] } = model.facts
  const beside = await Promise.all(externalData.map(async (path) => ({ path, data: await bytesOf(model, path) })))
  const session = await InferenceSession.create(await bytesOf(model, graph), {
    intraOpNumThreads: 1,
    ...(beside.length === 0 ? {} : { externalData: beside }),
  })
  try {
    const decoder = createDecoder(session, Tensor)
    if (typeof decoder === 'string') throw new Error(decoder)
    const { keyValues } = await decoder.read(prompt.slice(0, 4), decoder.start, prompt.length - 4)
    return (await decoder.read(prompt.slice(4), keyValues)).logits
  } finally {
    await session.release()
  }
}

/** The largest difference to the reference. */
async function errorOf(model: ConvertedModel, reference: ReferenceDecoder): Promise<number> {
  const logits = await logitsOf(model)
  const expected = referenceLogits(reference, prompt)
  expect(logits.length).toBe(expected.length)
  // Else nothing would be compared.
  expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(1)
  return expected.reduce((most, value, index) => Math.max(most, Math.abs(value - (logits[index] ?? Number.NaN))), 0)
}

const variants: readonly RandomDecoderOptions[] = [
  { architecture: 'llama' },
  { architecture: 'llama', untied: true },
  { architecture: 'llama', ropeFactors: true },
  { architecture: 'qwen2' },
  { architecture: 'qwen3', untied: true },
]

test.each(variants)('a decoder gives the logits of its numbers: %o', async (options) => {
  const { bytes, reference } = randomDecoder(options)
  const model = await convertGguf(sourceOf(bytes), { precision: 'fp32' })
  expect(await errorOf(model, reference)).toBeLessThan(1e-3)
})

test.each(testFormats.map(({ name }) => name))('numbers packed as %s are read as they are', async (format) => {
  for (const architecture of ['llama', 'qwen2'] as const) {
    const { bytes, reference } = randomDecoder({ architecture, format })
    const model = await convertGguf(sourceOf(bytes), { precision: 'fp32' })
    expect(await errorOf(model, reference)).toBeLessThan(1e-3)
  }
})

test.each(['Q4_0', 'Q4_1', 'Q4_K'])('4 bits of %s stay what they are', async (format) => {
  for (const tableFormat of ['Q8_0', 'Q6_K', format]) {
    const { bytes, reference } = randomDecoder({ architecture: 'llama', format, tableFormat })
    const model = await convertGguf(sourceOf(bytes), { precision: 'q4' })
    expect(await errorOf(model, reference)).toBeLessThan(1e-3)
    expect(model.treatments.every(({ isExact }) => isExact)).toBe(true)
    expect(model.facts.precision).toBe('int4')
  }
})

test('matrices that go with the same numbers may be packed in different ways', async () => {
  const { bytes, reference } = randomDecoder({ architecture: 'qwen2', format: 'Q4_K', valueFormat: 'Q6_K' })
  for (const precision of ['fp32', 'q4'] as const) {
    expect(await errorOf(await convertGguf(sourceOf(bytes), { precision }), reference)).toBeLessThan(1e-3)
  }
})

test('more bits are rounded to 4 where 4 are asked for, but for the table of tokens', async () => {
  const { bytes, reference } = randomDecoder({ architecture: 'llama', format: 'F16' })
  const model = await convertGguf(sourceOf(bytes), { precision: 'q4' })
  expect(model.treatments).toEqual([
    { from: 'F16', to: '8 bits', isExact: false, matrices: 1 },
    { from: 'F16', to: '4 bits', isExact: false, matrices: 14 },
  ])
  // Of numbers that are spread evenly, which is the worst case.
  expect(await errorOf(model, reference)).toBeLessThan(1.5)
})

test.each(variants)('both forms of the cache give the same logits: %o', async (options) => {
  const { bytes } = randomDecoder({ ...options, format: 'F32' })
  for (const precision of ['fp32', 'q8'] as const) {
    const [hub = [], own = []] = await Promise.all(
      [true, false].map(async (forHub) => {
        const model = await convertGguf(sourceOf(bytes), { precision, forHub })
        expect(model.facts.state === undefined).toBe(!forHub)
        return [...(await logitsOf(model))]
      }),
    )
    expect(Math.max(...own) - Math.min(...own)).toBeGreaterThan(1)
    for (const [at, logit] of own.entries())
      expect(logit).toBeCloseTo(hub[at] ?? Number.NaN, precision === 'fp32' ? 4 : 1)
  }
})

/** In steps of which there are 127 up to the largest number. */
function roundTo8Bits(numbers: Float32Array): Float32Array {
  const scale = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) / 127
  return numbers.map((number) => Math.round(number / scale) * scale)
}

/** In steps of which there are 253 from the least to the largest number. */
function roundBetween(numbers: readonly number[]): number[] {
  const scale = (Math.max(...numbers) - Math.min(...numbers)) / 253
  return numbers.map((number) => Math.round(number / scale) * scale)
}

/** The same decoder, whose matrices are rounded, each row by itself, and so is what they are multiplied by. */
function rounded(reference: ReferenceDecoder): ReferenceDecoder {
  const numbers = new Map(reference.numbers)
  for (const [name, matrix] of reference.numbers) {
    const columns = name.endsWith('ffn_down.weight') ? reference.innerWidth : reference.width
    if (matrix.length <= columns) continue
    const codes = matrix.slice()
    for (let at = 0; at < codes.length; at += columns) codes.set(roundTo8Bits(codes.subarray(at, at + columns)), at)
    numbers.set(name, codes)
  }
  // What goes into the last product of a layer has 16 bits, which is as good as all of them here.
  const activation = (name: string, x: readonly number[]) => {
    if (name.endsWith('ffn_down')) return x
    return /attn_[qkv]$|token_embd$/.test(name) ? roundBetween(x) : [...roundTo8Bits(Float32Array.from(x))]
  }
  return { ...reference, numbers, activation }
}

test('the form of 8 bits rounds matrices and activations, but not what the last product of a layer is of', async () => {
  // Among large ones, no activation lies so near the middle of two codes that it depends on the order of sums.
  for (const [outlier, valueFormat] of [
    [300, 'Q8_0'],
    [1000, 'F16'],
  ] as const) {
    const { bytes, reference } = randomDecoder({ architecture: 'llama', format: 'Q8_0', valueFormat, outlier })
    const model = await convertGguf(sourceOf(bytes), { precision: 'q8' })
    expect(await errorOf(model, rounded(reference))).toBeLessThan(0.03)
  }
})

test('a table that is also the output is in the file once', async () => {
  const sizes = async (how: ConvertOptions) => {
    const of = async (untied: boolean) =>
      (await bytesOf(...(await whole({ architecture: 'llama', format: 'Q4_0', untied }, how)))).length
    return (await of(true)) - (await of(false))
  }
  expect(await sizes({ precision: 'fp32' })).toBeGreaterThan(300 * 256 * 4 - 1000)
  expect(await sizes({ precision: 'q8' })).toBeGreaterThan(300 * 256 - 1000)
  expect(await sizes({ precision: 'q4' })).toBeGreaterThan((300 * 256) / 2)
})

test('large weights lie beside the graph, and are the same', async () => {
  const { bytes, reference } = randomDecoder({ architecture: 'qwen3' })
  const model = await convertGguf(sourceOf(bytes), { precision: 'fp32', insideBytes: 1000 })
  expect(model.facts).toMatchObject({ graph: 'model.onnx', externalData: ['model.onnx_data'] })
  expect((await bytesOf(model, 'model.onnx')).length).toBeLessThan(100_000)
  expect(await errorOf(model, reference)).toBeLessThan(1e-3)
})

test('its facts are those of a manifest', async () => {
  const metadata = { 'tokenizer.chat_template': '{{ messages }}', 'general.license': 'apache-2.0' }
  const model = await convert({ architecture: 'llama', format: 'Q4_0', metadata }, { forHub: true })
  const files = model.files.map(({ path }) => ({ path, bytes: 1, sha256: '0'.repeat(64) }))
  const manifest = parseManifest(
    { format: 1, name: 'm', revision: '1', title: 'm', description: '', files, ...model.facts },
    'the test',
  )
  expect(manifest).toMatchObject({
    license: { name: 'apache-2.0' },
    generation: {
      chatTemplate: 'chat_template.jinja',
      cache: { layers: 2, kvHeads: 2, headSize: 64, type: 'float32' },
      ends: [257],
    },
    complexity: { macs: 2 * (2 * 256 * 64 * 6 + 3 * 256 * 512) + 300 * 256 },
  })
  expect(manifest.state).toHaveLength(4)
  expect(Buffer.from(await bytesOf(model, 'chat_template.jinja')).toString()).toBe('{{ messages }}')
})

test('positions that were stretched are stretched', async () => {
  const metadata = { 'llama.rope.scaling.type': 'linear', 'llama.rope.scaling.factor': { float: 4 } }
  const { bytes, reference } = randomDecoder({ architecture: 'llama', metadata })
  const model = await convertGguf(sourceOf(bytes), { precision: 'fp32' })
  expect(await errorOf(model, { ...reference, positionScale: 4 })).toBeLessThan(1e-3)
})

test('a window that slides ends the context, and that is said', async () => {
  const model = await convert({ architecture: 'llama', metadata: { 'llama.attention.sliding_window': 64 } })
  expect(model.facts.generation?.contextTokens).toBe(64)
  expect(model.notes[0]).toMatch(/sliding window of 64 tokens/)
})

describe('what can not be converted is refused with the reason', () => {
  test.each<[string, RandomDecoderOptions['metadata'], RegExp]>([
    ['another architecture', { 'general.architecture': 'mamba' }, /"mamba"/],
    ['experts', { 'llama.expert_count': 8 }, /expert_count" is 8/],
    ['a scaling of another kind', { 'llama.rope.scaling.type': 'yarn' }, /"yarn"/],
    ['values of another size', { 'llama.attention.value_length': 32 }, /value_length" is 32/],
    ['positions of a part of the head', { 'llama.rope.dimension_count': 32 }, /dimension_count" is 32/],
    ['a scale of its logits', { 'llama.logit_scale': { float: 0.5 } }, /logit_scale" is 0.5/],
    ['heads that differ', { 'llama.attention.head_count_kv': { ints: [2, 4] } }, /for each layer/],
    ['a tokenizer of another kind', { 'tokenizer.ggml.model': 'bert' }, /"bert"/],
    ['texts parted in an unknown way', { 'tokenizer.ggml.pre': 'brand-new' }, /"brand-new"/],
  ])('%s', async (_, metadata, message) => {
    await expect(convert({ architecture: 'llama', metadata })).rejects.toMatchObject({
      name: 'ModelError',
      code: 'gguf-unsupported',
      message: expect.stringMatching(message),
    })
  })

  test('weights that it knows nothing of, and numbers that are packed in an unknown way', async () => {
    const { file } = randomDecoder({ architecture: 'llama' })
    const [first, ...rest] = file.tensors
    if (first === undefined) throw new Error('no tensors')
    const more = writeGguf({ ...file, tensors: [...file.tensors, { ...first, name: 'blk.0.ssm_a' }] })
    const packed = writeGguf({ ...file, tensors: [{ ...first, type: 10 }, ...rest] })
    await expect(convertGguf(sourceOf(more))).rejects.toMatchObject({
      code: 'gguf-unsupported',
      message: expect.stringMatching(/blk\.0\.ssm_a/),
    })
    await expect(convertGguf(sourceOf(packed))).rejects.toMatchObject({
      code: 'gguf-unsupported',
      message: expect.stringMatching(/Q2_K/),
    })
  })
})

import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { createDecoder } from '../../generation/decoder/create-decoder.ts'
import { testFormats } from '../../testing/ggml-formats.ts'
import { type RandomDecoderOptions, randomDecoder } from '../../testing/random-decoder.ts'
import { type ReferenceDecoder, referenceLogits } from '../../testing/reference-decoder.ts'
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
    const { keyValues } = await decoder.read(prompt.slice(0, 4), decoder.start)
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

test('a form of 8 bits for WASM is near to the numbers', async () => {
  for (const format of ['F32', 'Q8_0', 'Q4_K']) {
    const { bytes, reference } = randomDecoder({ architecture: 'llama', format })
    const model = await convertGguf(sourceOf(bytes), { precision: 'q8' })
    console.log(await errorOf(model, reference))
  }
})

test('x', async () => {
  for (const format of ['F32', 'Q8_0', 'Q4_K', 'Q5_K']) {
    const { bytes, reference } = randomDecoder({ architecture: 'llama', format, untied: true })
    const model = await convertGguf(sourceOf(bytes), { precision: 'q4' })
    console.log(await errorOf(model, reference), model.treatments)
  }
})

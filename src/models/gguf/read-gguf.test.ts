import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomDecoder } from '../../testing/random-decoder.ts'
import { type GgufTestFile, writeGguf } from '../../testing/write-gguf.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { convertGguf } from './convert-gguf.ts'
import { readGguf } from './read-gguf.ts'

const { file, bytes } = randomDecoder({ architecture: 'llama', format: 'Q8_0' })
const read = (given: Uint8Array<ArrayBuffer>) => readGguf(blobSource(new Blob([given])))
const convert = (given: Uint8Array<ArrayBuffer>) => convertGguf(blobSource(new Blob([given])))
const unreadable = (message: RegExp) => ({
  name: 'ModelError',
  code: 'gguf-unreadable',
  message: expect.stringMatching(message),
})

test('what a file says of itself is read', async () => {
  const { version, metadata, tensors } = await read(bytes)
  expect(version).toBe(3)
  expect(metadata.get('general.architecture')).toBe('llama')
  expect(metadata.get('tokenizer.ggml.merges')).toEqual(['h e'])
  expect(tensors.get('token_embd.weight')).toMatchObject({ dims: [256, 300], type: 8 })
})

describe('files that lie', () => {
  const numberAt = (at: number, value: bigint) => {
    const changed = bytes.slice()
    new DataView(changed.buffer).setBigUint64(at, value, true)
    return changed
  }
  const [first, ...rest] = file.tensors
  if (first === undefined) throw new Error('no tensors')
  const withFirst = (change: Partial<typeof first>): GgufTestFile => ({
    ...file,
    tensors: [{ ...first, ...change }, ...rest],
  })

  test.each<[string, () => Uint8Array<ArrayBuffer>, RegExp]>([
    ['another kind of file', () => new TextEncoder().encode('PK\u0003\u0004 and so on'), /begin/],
    ['nothing', () => new Uint8Array(), /ends too early/],
    ['a version that is not known', () => writeGguf({ ...file, version: 9 }), /version 9/],
    ['more tensors than anybody has', () => numberAt(8, 2n ** 60n), /tensors/],
    ['more entries than anybody has', () => numberAt(16, 2n ** 63n), /entries/],
    ['a text longer than the file', () => numberAt(24, 15n * 1024n * 1024n), /ends too early/],
    ['a text without an end', () => numberAt(24, 2n ** 62n), /bytes in a text/],
    ['more tensors than there are', () => writeGguf({ ...file, counts: { tensors: 4000 } }), /./],
    ['a tensor that begins behind its end', () => writeGguf(withFirst({ offset: 2 ** 40 })), /ends too early/],
    [
      'a tensor that ends behind its end',
      () => writeGguf(withFirst({ offset: bytes.length - 50_000 })),
      /ends too early/,
    ],
    ['a tensor twice', () => writeGguf({ ...file, tensors: [...file.tensors, first] }), /twice/],
    ['too many dimensions', () => writeGguf(withFirst({ dims: Array<number>(9).fill(1) })), /9 dimensions/],
    ['dimensions without an end', () => writeGguf(withFirst({ dims: [2 ** 52, 2 ** 52] })), /tokens/],
    ['another size than its settings need', () => writeGguf(withFirst({ dims: [128, 600] })), /128×600/],
    ['a vector where a matrix must be', () => writeGguf(withFirst({ dims: [256] })), /token_embd/],
  ])('%s', async (_, make, message) => {
    await expect(convert(make())).rejects.toMatchObject(unreadable(message))
  })

  test.each<[string, GgufTestFile['metadata'], RegExp]>([
    ['no tokens', { 'tokenizer.ggml.tokens': { texts: [] } }, /no tokens/],
    [
      'more tokens than the model has',
      { 'tokenizer.ggml.tokens': { texts: Array.from({ length: 400 }, String) } },
      /400 tokens/,
    ],
    ['types of other tokens', { 'tokenizer.ggml.token_type': { ints: [1] } }, /token_type/],
    ['texts where numbers must be', { 'tokenizer.ggml.token_type': { texts: ['1'] } }, /token_type/],
    ['a number where a text must be', { 'tokenizer.ggml.pre': 5 }, /pre"/],
    ['a token without an end', { 'tokenizer.ggml.tokens': { texts: ['a'.repeat(100_000)] } }, /no end/],
    ['no layers', { 'llama.block_count': 0 }, /block_count/],
    ['more layers than there are', { 'llama.block_count': 4_000_000 }, /lacks the weights blk\.2/],
    ['heads that can not share', { 'llama.attention.head_count_kv': 3 }, /share/],
    ['a text as a size', { 'llama.embedding_length': 'wide' }, /no number/],
  ])('%s', async (_, metadata, message) => {
    await expect(convert(writeGguf({ ...file, metadata: { ...file.metadata, ...metadata } }))).rejects.toMatchObject(
      unreadable(message),
    )
  })

  test('whatever is cut off or changed in what it says of itself, it is read, or refused with a code', async () => {
    const head = Math.max(0, bytes.length - 1_300_000)
    await fc.assert(
      fc.asyncProperty(fc.nat(head), fc.nat(255), fc.boolean(), async (at, value, cuts) => {
        const changed = cuts ? bytes.slice(0, at) : bytes.slice()
        if (!cuts) changed[at] = value
        await convert(changed).catch((error: unknown) => {
          expect(error).toMatchObject({ code: expect.stringMatching(/^gguf-/) })
        })
      }),
      { numRuns: 60 },
    )
  })
})

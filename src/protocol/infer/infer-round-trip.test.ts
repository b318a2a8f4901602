import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type TensorData, type TensorMap, type TensorType, tensorTypes } from '../../contracts/tensor.ts'
import { arrayKind } from '../tensors/datatypes.ts'
import { encodeInferRequest, parseInferRequest, wantsBinary } from './infer-request.ts'
import { encodeInferResponse, parseInferResponse } from './infer-response.ts'

const dims = fc.array(fc.nat(4), { maxLength: 3 })
const count = (sizes: readonly number[]) => sizes.reduce((product, size) => product * size, 1)

/** Any bits for binary data; for JSON only what it can carry. */
function tensor(type: TensorType, json: boolean): fc.Arbitrary<TensorData> {
  return dims.chain((sizes): fc.Arbitrary<TensorData> => {
    const length = { minLength: count(sizes), maxLength: count(sizes) }
    if (type === 'string') {
      return fc.array(fc.string({ unit: 'binary' }), length).map((data) => ({ type, dims: sizes, data }))
    }
    const array = arrayKind(type)
    const width = array.BYTES_PER_ELEMENT
    const bits = fc.uint8Array({ minLength: length.minLength * width, maxLength: length.minLength * width })
    return bits.map((bytes) => {
      const raw = type === 'bool' ? bytes.map((byte) => byte & 1) : bytes
      const data = new array(raw.buffer, 0, length.minLength)
      for (let index = 0; json && index < data.length; index += 1)
        data[index] = toJsonValue(type, data[index] ?? 0) as never
      return { type, dims: sizes, data }
    })
  })
}

function toJsonValue(type: TensorType, value: number | bigint): number | bigint {
  if (typeof value === 'bigint') return type === 'int64' ? BigInt.asIntN(53, value) : BigInt.asUintN(53, value)
  if (type === 'float16') return (value & 0x7c00) === 0x7c00 ? value & 0xbfff : value
  return Number.isFinite(value) ? value : 0.5
}

const tensors = (json: boolean): fc.Arbitrary<TensorMap> =>
  fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
    fc.constantFrom(...tensorTypes).chain((type) => tensor(type, json)),
    { minKeys: 1, maxKeys: 4, noNullPrototype: true },
  )

/** -0 and 0 are one to JSON; the bits of NaN are not compared as numbers. */
const plain = (map: TensorMap, json: boolean) =>
  Object.entries(map).map(([name, { type, dims: sizes, data }]) => {
    const elements = ArrayBuffer.isView(data)
      ? json
        ? Array.from(data as ArrayLike<number | bigint>, (value) =>
            type === 'float16' && value === 0x8000 ? 0 : value || 0,
          )
        : [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]
      : data
    return { name, type, sizes, elements }
  })

describe('encoded and parsed', () => {
  for (const json of [true, false]) {
    const form = json ? 'JSON' : 'binary'
    it(`a request of any datatypes is the same, ${form}`, () => {
      fc.assert(
        fc.property(tensors(json), fc.option(fc.string(), { nil: undefined }), (inputs, id) => {
          const { body, headBytes } = encodeInferRequest({ inputs, id, binary: !json })
          const request = parseInferRequest(body, headBytes)
          expect(plain(request.inputs, json)).toEqual(plain(inputs, json))
          expect(request.id).toBe(id)
          expect(request.binaryOutputs).toBe(!json)
        }),
      )
    })

    it(`an answer of any datatypes is the same, ${form}`, () => {
      fc.assert(
        fc.property(tensors(json), (outputs) => {
          const { body } = encodeInferResponse({ modelName: 'm', modelVersion: '1', outputs, binary: !json })
          const response = parseInferResponse(body)
          expect(plain(response.outputs, json)).toEqual(plain(outputs, json))
          expect(response).toMatchObject({ modelName: 'm', modelVersion: '1' })
        }),
      )
    })
  }

  it('is refused when it is cut anywhere, or has anything behind it', () => {
    // JSON may end in white space, and a body without binary data is JSON.
    const noise = fc.uint8Array({ minLength: 1, maxLength: 10 }).filter((bytes) => bytes.some((byte) => byte > 32))
    fc.assert(
      fc.property(tensors(true), fc.infiniteStream(fc.boolean()), fc.nat(), noise, (inputs, coin, cut, more) => {
        const { body, headBytes } = encodeInferRequest({ inputs, binary: () => coin.next().value })
        const padded = new Uint8Array([...body, ...more])
        fc.pre(headBytes !== undefined)
        for (const length of [headBytes, undefined]) {
          expect(() => parseInferRequest(body.subarray(0, cut % body.length), length)).toThrow()
          expect(() => parseInferRequest(padded, length)).toThrow()
        }
      }),
    )
  })

  it('a mixed body is the same, and its header is not needed to read it', () => {
    fc.assert(
      fc.property(tensors(true), fc.infiniteStream(fc.boolean()), (inputs, coin) => {
        const { body, headBytes } = encodeInferRequest({ inputs, binary: () => coin.next().value })
        expect(plain(parseInferRequest(body, headBytes).inputs, true)).toEqual(plain(inputs, true))
        expect(plain(parseInferRequest(body).inputs, true)).toEqual(plain(inputs, true))
      }),
    )
  })
})

describe('encodeInferRequest', () => {
  const inputs = { x: { type: 'float32', dims: [1], data: new Float32Array([1]) } } as const

  it('starts binary data at a multiple of 8, so that the parser copies nothing', () => {
    for (const id of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg']) {
      const { body, headBytes, headers } = encodeInferRequest({ inputs, id, binary: true })
      expect((headBytes ?? 1) % 8).toBe(0)
      expect(headers['Inference-Header-Content-Length']).toBe(String(headBytes))
      const x = parseInferRequest(body, headBytes).inputs.x
      expect((x?.data as Float32Array | undefined)?.buffer).toBe(body.buffer)
    }
  })

  it('sends plain JSON, and asks for it, to a server without binary data', () => {
    const { body, headers } = encodeInferRequest({ inputs, binary: false })
    expect(headers).toEqual({ 'Content-Type': 'application/json' })
    expect(JSON.parse(new TextDecoder().decode(body))).toEqual({
      inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }],
    })
  })

  it('sends 64-bit integers and float16 as binary data even where a request is mixed', () => {
    const wide = {
      long: { type: 'int64', dims: [1], data: new BigInt64Array([2n ** 60n]) },
      half: { type: 'float16', dims: [1], data: new Uint16Array([0x7e00]) },
    } as const
    const { body, headBytes } = encodeInferRequest({ inputs: wide, binary: () => false })
    expect(parseInferRequest(body, headBytes).inputs).toEqual(wide)
  })

  it('says for each output how it is wanted', () => {
    const outputs = [{ name: 'a', binary: false }, { name: 'b' }]
    const { body, headBytes } = encodeInferRequest({ inputs, outputs, binary: true })
    const request = parseInferRequest(body, headBytes)
    expect(request.outputs).toEqual(outputs)
    expect([wantsBinary(request, 'a'), wantsBinary(request, 'b')]).toEqual([false, true])
  })
})

import { describe, expect, it } from 'vitest'
import { parseInferResponse } from './infer-response.ts'

const utf8 = new TextEncoder()
const y = { name: 'y', shape: [2], datatype: 'FP32', data: [1, 2] }
const parse = (text: string, tail: readonly number[] = []) =>
  parseInferResponse(new Uint8Array([...utf8.encode(text), ...tail]))

describe('parseInferResponse', () => {
  it('reads what MLServer and KServe answer: nulls for what is absent', () => {
    const answer = {
      model_name: 'm',
      model_version: null,
      id: null,
      parameters: null,
      outputs: [{ ...y, parameters: null }],
    }
    expect(parse(JSON.stringify(answer))).toEqual({
      modelName: 'm',
      outputs: { y: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } },
    })
  })

  it('reads binary outputs right behind the JSON', () => {
    const binary = { name: 'y', shape: [1], datatype: 'UINT8', parameters: { binary_data_size: 1 } }
    expect(parse(JSON.stringify({ outputs: [binary] }), [0x20]).outputs.y?.data).toEqual(new Uint8Array([0x20]))
  })

  it.each([
    ['nothing', ''],
    ['a web page', '<html></html>'],
    ['half of the JSON', '{"outputs":[{"name":"y"'],
    ['no outputs', '{"model_name":"m"}'],
    ['an error', '{"error":"no"}'],
    ['an impossible shape', JSON.stringify({ outputs: [{ ...y, shape: [-1] }] })],
    ['a shape that does not fit', JSON.stringify({ outputs: [{ ...y, shape: [3] }] })],
    ['an unknown datatype', JSON.stringify({ outputs: [{ ...y, datatype: 'BF16' }] })],
    ['an output twice', JSON.stringify({ outputs: [y, y] })],
    ['NaN as null', JSON.stringify({ outputs: [{ ...y, data: [1, Number.NaN] }] })],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ name: 'CloudError', code: 'cloud-bad-response', cause: expect.any(Error) }),
    )
  })
})

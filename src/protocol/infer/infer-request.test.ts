import { describe, expect, it } from 'vitest'
import { parseInferRequest } from './infer-request.ts'

const utf8 = new TextEncoder()
const x = { name: 'x', shape: [2], datatype: 'UINT8', data: [1, 2] }
const binary = (size: unknown) => ({ name: 'x', shape: [2], datatype: 'UINT8', parameters: { binary_data_size: size } })

/** Parses this request, with `tail` behind its JSON and the header that belongs to it. */
function parse(request: unknown, tail: readonly number[] = [], withHeader = true) {
  const json = utf8.encode(typeof request === 'string' ? request : JSON.stringify(request))
  return parseInferRequest(new Uint8Array([...json, ...tail]), withHeader && tail.length > 0 ? json.length : undefined)
}

const withParameters = (parameters: string) => `{"inputs":[${JSON.stringify(x)}],"parameters":${parameters}}`

describe('parseInferRequest', () => {
  it('takes numbers that JSON carries, however large', () => {
    expect(parse(withParameters('{"a":9007199254740991,"b":1e300,"c":-0.5}')).parameters).toEqual({
      a: Number.MAX_SAFE_INTEGER,
      b: 1e300,
      c: -0.5,
    })
  })

  it('reads a plain JSON request', () => {
    expect(parse({ id: '7', parameters: { priority: 1 }, inputs: [x], outputs: [{ name: 'y' }] })).toEqual({
      id: '7',
      parameters: { priority: 1 },
      binaryOutputs: false,
      inputs: { x: { type: 'uint8', dims: [2], data: new Uint8Array([1, 2]) } },
      outputs: [{ name: 'y' }],
    })
  })

  it('reads JSON and binary tensors side by side, in the order of the JSON', () => {
    const inputs = [
      { name: 'a', shape: [1], datatype: 'UINT8', parameters: { binary_data_size: 1 } },
      { name: 'b', shape: [1], datatype: 'INT32', data: [-5] },
      { name: 'c', shape: [1], datatype: 'UINT16', parameters: { binary_data_size: 2 } },
    ]
    for (const withHeader of [true, false]) {
      expect(parse({ inputs }, [7, 1, 2], withHeader).inputs).toEqual({
        a: { type: 'uint8', dims: [1], data: new Uint8Array([7]) },
        b: { type: 'int32', dims: [1], data: new Int32Array([-5]) },
        c: { type: 'uint16', dims: [1], data: new Uint16Array([0x0201]) },
      })
    }
  })

  it('takes bytes that look like padding for data', () => {
    for (const withHeader of [true, false]) {
      const { inputs } = parse({ inputs: [binary(2)] }, [0x20, 0x20], withHeader)
      expect(inputs.x?.data).toEqual(new Uint8Array([0x20, 0x20]))
    }
  })

  it('takes padding behind the JSON where the header says that it is', () => {
    const json = utf8.encode(`${JSON.stringify({ inputs: [binary(2)] })}   `)
    const body = new Uint8Array([...json, 1, 2])
    expect(parseInferRequest(body, json.length).inputs.x?.data).toEqual(new Uint8Array([1, 2]))
    // Without it they might be data, and the body cut short.
    expect(() => parseInferRequest(body)).toThrow(expect.objectContaining({ code: 'input-shape' }))
  })

  it('takes white space behind plain JSON', () => {
    expect(parse(`${JSON.stringify({ inputs: [x] })}\r\n`).inputs).toHaveProperty('x')
  })

  it.each([
    ['an id', { id: null }],
    ['parameters', { parameters: null }],
    ['each parameter', { parameters: { binary_data_output: null, timeout: null, sequence_id: null } }],
    ['outputs', { outputs: null }],
    ["an output's parameters", { outputs: [{ name: 'y', parameters: null }] }],
    ["each of an output's", { outputs: [{ name: 'y', parameters: { binary_data: null, classification: null } }] }],
    ["each of an input's", { inputs: [{ ...x, parameters: { binary_data_size: null, content_type: null } }] }],
    ['shared memory', { inputs: [{ ...x, parameters: { shared_memory_region: null, shared_memory_offset: null } }] }],
    ['what the protocol does not know', { model_name: null, model_version: null, priority: null }],
  ])('takes null for the absence of %s', (_, more) => {
    const wants = 'outputs' in more && more.outputs !== null ? { outputs: [{ name: 'y' }] } : {}
    expect(parse({ inputs: [x], ...more })).toEqual(parse({ inputs: [x], ...wants }))
  })

  it.each([
    { inputs: null },
    { inputs: [{ ...x, shape: null }] },
    { inputs: [{ ...x, name: null }] },
    { inputs: [{ ...x, data: null }] },
    { outputs: [null] },
    { outputs: [{ name: null }] },
  ])('takes no null for what must be there: %j', (more) => {
    expect(() => parse({ inputs: [x], ...more })).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  })

  it('takes null for absent data and parameters', () => {
    expect(parse({ inputs: [{ ...x, parameters: null }] }).inputs).toHaveProperty('x')
  })

  it.each([
    ['no inputs', {}, 'options-invalid'],
    ['an empty list of inputs', { inputs: [] }, 'input-missing'],
    ['inputs that are an object', { inputs: { x } }, 'options-invalid'],
    ['an id that is a number', { id: 1, inputs: [x] }, 'options-invalid'],
    ['parameters that are a list', { parameters: [1], inputs: [x] }, 'options-invalid'],
    ['a parameter that is an object', { parameters: { a: {} }, inputs: [x] }, 'options-invalid'],
    ['binary_data_output that is text', { parameters: { binary_data_output: 'true' }, inputs: [x] }, 'options-invalid'],
    ['a name that is a number', { inputs: [{ ...x, name: 1 }] }, 'options-invalid'],
    ['an empty name', { inputs: [{ ...x, name: '' }] }, 'options-invalid'],
    ['a name that is __proto__', { inputs: [{ ...x, name: '__proto__' }] }, 'options-invalid'],
    ['a name twice', { inputs: [x, x] }, 'input-unexpected'],
    ['an output twice', { inputs: [x], outputs: [{ name: 'y' }, { name: 'y' }] }, 'options-invalid'],
    [
      'binary_data that is a number',
      { inputs: [x], outputs: [{ name: 'y', parameters: { binary_data: 1 } }] },
      'options-invalid',
    ],
    [
      'classes that are no number',
      { inputs: [x], outputs: [{ name: 'y', parameters: { classification: 'a' } }] },
      'options-invalid',
    ],
    [
      'classes below none',
      { inputs: [x], outputs: [{ name: 'y', parameters: { classification: -1 } }] },
      'options-invalid',
    ],
    ['an unknown datatype', { inputs: [{ ...x, datatype: 'FP8' }] }, 'input-type'],
    ['BF16', { inputs: [{ ...x, datatype: 'BF16' }] }, 'input-values'],
    ['a datatype that is no text', { inputs: [{ ...x, datatype: 1 }] }, 'input-type'],
    ['a datatype that every object has', { inputs: [{ ...x, datatype: 'constructor' }] }, 'input-type'],
    ['a shape that is text', { inputs: [{ ...x, shape: '2' }] }, 'input-shape'],
    ['a shape of text', { inputs: [{ ...x, shape: ['2'] }] }, 'input-shape'],
    ['a negative dimension', { inputs: [{ ...x, shape: [-1, -2] }] }, 'input-shape'],
    ['a dimension of 2^63', { inputs: [{ ...x, shape: [2 ** 63] }] }, 'input-shape'],
    ['[2^40, 0]', { inputs: [{ ...x, shape: [2 ** 40, 0], data: [] }] }, 'input-shape'],
    ['dimensions that overflow to the size', { inputs: [{ ...x, shape: [2 ** 32, 2 ** 32, 2] }] }, 'input-shape'],
    ['data of another size', { inputs: [{ ...x, shape: [3] }] }, 'input-shape'],
    ['data that is a number', { inputs: [{ ...x, data: 1 }] }, 'input-values'],
    ['a value out of range', { inputs: [{ ...x, data: [1, 256] }] }, 'input-values'],
    ['neither data nor a size', { inputs: [{ name: 'x', shape: [2], datatype: 'UINT8' }] }, 'input-missing'],
    ['NaN', '{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[NaN]}]}', 'options-invalid'],
    [
      'a number that overflows',
      '{"inputs":[{"name":"x","shape":[1],"datatype":"FP64","data":[1e999]}]}',
      'input-values',
    ],
    ['a sequence beyond 2^53', withParameters('{"sequence_id":9007199254740993}'), 'options-invalid'],
    ['a parameter of 2^63', withParameters('{"a":-9223372036854775808}'), 'options-invalid'],
    ['a parameter that overflows', withParameters('{"a":1e999}'), 'options-invalid'],
    [
      'classes beyond 2^53',
      { inputs: [x], outputs: [{ name: 'y', parameters: { classification: 2 ** 53 } }] },
      'options-invalid',
    ],
    ['more than a thousand parameters', withParameters(JSON.stringify({ ...Array(1001).fill(1) })), 'options-invalid'],
    ['shared memory for all', withParameters('{"shared_memory_region":"a"}'), 'options-invalid'],
    ['__proto__', '{"__proto__":{"polluted":1},"inputs":[]}', 'options-invalid'],
    ['text behind the JSON', `${JSON.stringify({ inputs: [x] })}x`, 'input-shape'],
  ])('refuses %s', (_, request, code) => {
    expect(() => parse(request)).toThrow(expect.objectContaining({ name: 'ValidationError', code }))
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  it.each([
    ['data and binary data', { inputs: [{ ...binary(2), data: [1, 2] }] }, [1, 2], 'input-values'],
    ['a size that is too small for the shape', { inputs: [binary(1)] }, [1], 'input-shape'],
    ['sizes below what follows', { inputs: [binary(2)] }, [1, 2, 3], 'input-shape'],
    ['sizes above what follows', { inputs: [binary(2)] }, [1], 'input-shape'],
    ['a negative size', { inputs: [binary(-2)] }, [1, 2], 'options-invalid'],
    ['a size that is no whole number', { inputs: [binary(1.5)] }, [1, 2], 'options-invalid'],
    ['a size that is text', { inputs: [binary('2')] }, [1, 2], 'options-invalid'],
    ['a size of 2^63', { inputs: [binary(2 ** 63)] }, [1, 2], 'options-invalid'],
    ['binary data that nothing asks for', { inputs: [x] }, [1, 2], 'input-shape'],
    [
      'sizes that add up by a negative one',
      { inputs: [binary(4), { ...binary(-2), name: 'y' }] },
      [1, 2],
      'options-invalid',
    ],
  ])('refuses %s, with and without the header', (_, request, tail, code) => {
    for (const withHeader of [true, false]) {
      expect(() => parse(request, tail, withHeader)).toThrow(expect.objectContaining({ name: 'ValidationError', code }))
    }
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { parseInferRequest } from '../protocol/infer/infer-request.ts'
import { encodeInferResponse } from '../protocol/infer/infer-response.ts'
import { arm, header, json } from '../testing/cloud-fixture.ts'

const inputs: TensorMap = { x: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }
const outputs: TensorMap = { y: { type: 'float32', dims: [1], data: new Float32Array([3]) } }

const metadata =
  (...extensions: string[]) =>
  () =>
    json({ name: 's', version: '1', extensions })
const answer = (init: { headers?: Record<string, string>; id?: string; outputs?: TensorMap } = {}) => {
  const { body, headers } = encodeInferResponse({ modelName: 'm', outputs, binary: true, ...init })
  return new Response(body, { headers: { ...headers, ...init.headers } })
}

const infer = '/v2/models/m/infer'
const binaryServer = { '/v2': metadata('binary_tensor_data'), [infer]: () => answer() }

describe('run', () => {
  it('sends binary tensors, and gives outputs, timing and sizes back', async () => {
    const { cloud, bodies } = arm({
      ...binaryServer,
      [infer]: () => answer({ headers: { 'Server-Timing': 'queue;dur=1, compute;dur=2.5, total;dur=4' } }),
    })
    const result = await cloud.run('m', inputs, { id: 'a' })
    expect(result.outputs).toEqual(outputs)
    expect(result.timing).toEqual({ totalMs: 10, serverMs: 4, queueMs: 1, computeMs: 2.5 })
    const [init] = bodies()
    const body = init?.body as Uint8Array
    expect(result.requestBytes).toBe(body.length)
    expect(result.responseBytes).toBeGreaterThan(0)
    expect(parseInferRequest(body, Number(header(init, 'Inference-Header-Content-Length')))).toMatchObject({
      id: 'a',
      inputs,
      binaryOutputs: true,
    })
  })

  it('sends nothing with a request that could identify someone, and follows no redirect', async () => {
    const { cloud, sent } = arm(binaryServer)
    await cloud.run('m', inputs)
    for (const { init } of sent) expect(init).toMatchObject({ credentials: 'omit', redirect: 'error' })
  })

  it('asks servers anew, and leaves what browsers keep of a preflight to the requests', async () => {
    const { cloud, sent } = arm(binaryServer)
    await cloud.run('m', inputs)
    const caches = sent.map(({ init }) => [init?.method, init?.cache])
    expect(caches).toEqual([
      ['GET', 'no-store'],
      ['POST', 'default'],
    ])
  })

  it('puts a name that is no path into one', async () => {
    const { cloud, paths } = arm({ '/v2': metadata('binary_tensor_data') })
    await expect(cloud.run('../a?b', inputs)).rejects.toMatchObject({ code: 'cloud-model-missing' })
    expect(paths()).toEqual(['/v2', '/v2/models/..%2Fa%3Fb/infer'])
  })

  it('sends JSON to a server that does not list binary tensors, and asks it once', async () => {
    const { cloud, bodies, paths } = arm({
      '/v2': metadata(),
      [infer]: () => json({ outputs: [{ name: 'y', shape: [1], datatype: 'FP32', data: [3] }] }),
    })
    expect((await cloud.run('m', inputs)).outputs).toEqual(outputs)
    await cloud.run('m', inputs)
    expect(bodies().map((init) => header(init, 'Content-Type'))).toEqual(['application/json', 'application/json'])
    expect(paths()).toEqual(['/v2', infer, infer])
  })

  it.each([400, 415, 422])(
    'falls back to JSON once when the server does not describe itself and answers %i',
    async (status) => {
      const { cloud, bodies } = arm({
        [infer]: ({ init }) =>
          header(init, 'Content-Type') === 'application/json' ? answer() : json({ detail: 'no' }, { status }),
      })
      await cloud.run('m', inputs)
      await cloud.run('m', inputs)
      expect(bodies().map((init) => header(init, 'Content-Type'))).toEqual([
        'application/octet-stream',
        'application/json',
        'application/json',
      ])
    },
  )

  it('stays with binary tensors once they went through', async () => {
    const { cloud, paths } = arm({ [infer]: () => answer() })
    await cloud.run('m', inputs)
    await cloud.run('m', inputs)
    expect(paths()).toEqual(['/v2', infer, infer])
  })

  it('does not remember that it failed to ask', async () => {
    const { cloud, paths } = arm({
      '/v2': (_, nth) => (nth === 1 ? json({}, { status: 500 }) : metadata('binary_tensor_data')()),
      [infer]: (_, nth) => (nth === 1 ? json({}, { status: 500 }) : answer()),
    })
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({ code: 'cloud-failed' })
    await cloud.run('m', inputs)
    expect(paths()).toEqual(['/v2', infer, '/v2', infer])
  })

  it('does not try again what is not about binary tensors', async () => {
    const { cloud, paths } = arm({
      '/v2': metadata('binary_tensor_data'),
      [infer]: () => json({ error: 'bad' }, { status: 400 }),
    })
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({
      code: 'cloud-refused',
      context: { status: 400, reason: 'bad' },
    })
    expect(paths()).toEqual(['/v2', infer])
  })

  it('asks for a new token once when the endpoint answers 401', async () => {
    const tokens = ['old', 'new']
    const { cloud, sent } = arm(
      {
        '/v2': metadata('binary_tensor_data'),
        [infer]: (_, nth) => (nth === 1 ? json({}, { status: 401 }) : answer()),
      },
      { token: () => tokens.shift() ?? 'new' },
    )
    await cloud.run('m', inputs)
    expect(sent.map(({ init }) => header(init, 'Authorization'))).toEqual(['Bearer old', 'Bearer new', 'Bearer new'])
  })

  it.each([
    ['a second 401', 401, 2],
    ['a 403, which a new token would not change', 403, 1],
  ])('gives up at %s', async (_, status, times) => {
    const { cloud, paths } = arm(
      { '/v2': metadata('binary_tensor_data'), [infer]: () => json({ error: 'no' }, { status }) },
      { token: () => 'secret' },
    )
    const error = await cloud.run('m', inputs).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'cloud-unauthorized', context: { status } })
    expect(JSON.stringify([error, String(error)])).not.toContain('secret')
    expect(paths().filter((path) => path === infer)).toHaveLength(times)
  })

  it('says so when no token can be had', async () => {
    const { cloud, sent } = arm(binaryServer, { token: () => Promise.reject(new Error('signed out')) })
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({ code: 'cloud-unauthorized' })
    expect(sent).toEqual([])
  })

  it.each([
    ['a web page', () => new Response('<html></html>', { headers: { 'Content-Type': 'text/html' } }), /web page/],
    ['nothing', () => new Response(''), /can't be read/],
    ['no JSON', () => new Response('OK'), /can't be read/],
    ['half of the JSON', () => new Response('{"outputs":[{"na'), /can't be read/],
    ['no outputs', () => json({ outputs: [] }), /lacks the output y/],
    [
      'a shape that does not fit',
      () => json({ outputs: [{ name: 'y', shape: [9], datatype: 'FP32', data: [1] }] }),
      /Tensor y/,
    ],
    ['an error with status 200', () => json({ error: 'no' }), /can't be read/],
    ['the answer to another request', () => answer({ id: 'b' }), /another request/],
    [
      'other outputs',
      () => answer({ outputs: { z: { type: 'uint8', dims: [1], data: new Uint8Array(1) } } }),
      /lacks the output y/,
    ],
    ['too many bytes', () => new Response(new Uint8Array(2000)), /longer than 1000 bytes/],
    [
      'a length of too many bytes',
      () => new Response('{}', { headers: { 'Content-Length': '2000' } }),
      /longer than 1000 bytes/,
    ],
  ])('refuses %s', async (_, respond, message) => {
    const { cloud } = arm({ ...binaryServer, [infer]: respond }, { maxResponseBytes: 1000 })
    await expect(cloud.run('m', inputs, { id: 'a', outputs: ['y'] })).rejects.toMatchObject({
      name: 'CloudError',
      code: 'cloud-bad-response',
      message: expect.stringMatching(message),
      context: { status: 200 },
    })
  })

  it('refuses an answer without any outputs', async () => {
    const { cloud } = arm({ ...binaryServer, [infer]: () => json({ outputs: [] }) })
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({ message: "The endpoint's answer has no outputs." })
  })

  it('takes an answer without an id, and with an empty one', async () => {
    const answers = [answer(), answer({ id: '' })]
    const { cloud } = arm({ ...binaryServer, [infer]: () => answers.shift() ?? answer() })
    await cloud.run('m', inputs, { id: 'a' })
    await cloud.run('m', inputs, { id: 'a' })
  })

  it('tells an endpoint that can not be reached', async () => {
    const cause = new TypeError('Failed to fetch')
    const { cloud } = arm({ [infer]: () => Promise.reject(cause) })
    await expect(cloud.run('m', inputs)).rejects.toMatchObject({ code: 'cloud-unreachable', cause })
  })

  it('refuses inputs that do not fit themselves before anything but the first question is sent', async () => {
    const { cloud, paths } = arm(binaryServer)
    const wrong = { x: { type: 'float32', dims: [3], data: new Float32Array(2) } } as const
    await expect(cloud.run('m', wrong)).rejects.toMatchObject({ name: 'ValidationError', code: 'input-shape' })
    expect(paths()).toEqual(['/v2'])
  })
})

describe('a run that does not end', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const never = () => new Promise<Response>(() => {})

  it('ends at its timeout, even when fetch knows no signal', async () => {
    const { cloud } = arm({ ...binaryServer, [infer]: never })
    const run = expect(cloud.run('m', inputs, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    await vi.advanceTimersByTimeAsync(500)
    await run
    expect(vi.getTimerCount()).toBe(0)
  })

  it('ends at its timeout while a token is on its way', async () => {
    const { cloud } = arm(binaryServer, { token: () => new Promise(() => {}) })
    const run = expect(cloud.run('m', inputs, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    await vi.advanceTimersByTimeAsync(500)
    await run
  })

  it('does not wait long for a server to describe itself', async () => {
    const { cloud } = arm({ '/v2': never, [infer]: () => answer() })
    const run = cloud.run('m', inputs)
    await vi.advanceTimersByTimeAsync(3000)
    expect((await run).outputs).toEqual(outputs)
  })

  it("ends with the signal's reason, untouched", async () => {
    const { cloud } = arm({ ...binaryServer, [infer]: never })
    const controller = new AbortController()
    const reason = { why: 'no longer wanted' }
    const run = expect(cloud.run('m', inputs, { signal: controller.signal })).rejects.toBe(reason)
    await vi.advanceTimersByTimeAsync(1)
    controller.abort(reason)
    await run
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of one caller does not take the question of the others with it', async () => {
    let tellMetadata: (response: Response) => void = () => {}
    const { cloud, paths } = arm({ ...binaryServer, '/v2': () => new Promise((resolve) => (tellMetadata = resolve)) })
    const controller = new AbortController()
    const aborted = expect(cloud.run('m', inputs, { signal: controller.signal })).rejects.toBe('gone')
    const other = cloud.run('m', inputs)
    controller.abort('gone')
    await aborted
    tellMetadata(metadata('binary_tensor_data')())
    expect((await other).outputs).toEqual(outputs)
    expect(paths()).toEqual(['/v2', infer])
  })

  it('sends nothing when it was aborted before it began', async () => {
    const { cloud, paths } = arm(binaryServer)
    await expect(cloud.run('m', inputs, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(paths()).not.toContain(infer)
  })
})

import { vi } from 'vitest'
import { runRequest } from '../client/request/running/run-request.ts'
import type { Privacy } from '../contracts/route.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { EdgeEngine } from '../edge/edge-types.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { encodeInferResponse } from '../protocol/infer/infer-response.ts'
import { fakeManifest } from './fake-manifest.ts'
import { fakeRequestContext, stubEdge } from './fake-request-context.ts'

export const manifest = await fakeManifest(
  { 'model.onnx': new Uint8Array(1) },
  {
    inputs: [{ name: 'x', type: 'uint8', shape: [1, 16] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 2] }],
  },
)
/** Bytes that stand for what a person gave: looked for in all that is sent. */
export const secret = Uint8Array.from({ length: 16 }, (_, index) => 201 + index)
export const inputs: TensorMap = { x: { type: 'uint8', dims: [1, 16], data: secret } }
export const outputs: TensorMap = { y: { type: 'float32', dims: [1, 2], data: Float32Array.of(0.25, 0.75) } }

export const contains = (body: Uint8Array, part: Uint8Array) =>
  body.some((_, at) => part.every((byte, index) => body[at + index] === byte))

export type Fault = 'none' | '500' | '429' | '413' | 'html' | 'json' | 'shape' | 'half' | 'gone'
export const faults: readonly Fault[] = ['none', '500', '429', '413', 'html', 'json', 'shape', 'half', 'gone']

function answerWith(fault: Fault, right: TensorMap): Response {
  const answer = (over: TensorMap) =>
    encodeInferResponse({ modelName: manifest.name, outputs: over, binary: () => true })
  const { body, headers } = answer(right)
  if (fault === '500') return new Response('{"error":"broken"}', { status: 500 })
  if (fault === '429') return new Response('{"error":"busy"}', { status: 429, headers: { 'Retry-After': '60' } })
  if (fault === '413') return new Response('{"error":"too large"}', { status: 413 })
  if (fault === 'html') return new Response('<html>login</html>', { headers: { 'Content-Type': 'text/html' } })
  if (fault === 'json') return new Response('{"outputs": [{', { headers: { 'Content-Type': 'application/json' } })
  if (fault === 'half') return new Response(body.slice(0, body.length - 3), { headers: { ...headers } })
  if (fault === 'gone') throw new TypeError('Failed to fetch')
  const wrong = { y: { type: 'float32', dims: [1, 3], data: Float32Array.of(1, 2, 3) } } as const
  return fault === 'shape'
    ? new Response(answer(wrong).body, { headers: { ...answer(wrong).headers } })
    : new Response(body, { headers: { ...headers } })
}

/** A client's parts with two endpoints, all that they are sent, and an edge that fails when told to. */
export function openRequests() {
  const sent: { url: string; body: Uint8Array }[] = []
  const told = { cloud: 'none' as Fault, edgeFails: false, answer: outputs }
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    sent.push({ url, body: init.body instanceof Uint8Array ? init.body : new Uint8Array() })
    await Promise.resolve()
    if (url.endsWith('/infer')) return answerWith(told.cloud, told.answer)
    if (url.includes('/ready')) return new Response('{"ready":true}')
    if (url.endsWith('/v2')) return new Response('{"name":"s","version":"1","extensions":["binary_tensor_data"]}')
    return new Response('{}', { status: url.includes('capacity') ? 404 : 200 })
  })
  const run = vi.fn<EdgeEngine['run']>(async () => {
    if (told.edgeFails) throw new EdgeError('edge-crashed', 'It crashed.')
    return { outputs: told.answer, backend: 'wasm', queueMs: 0, computeMs: 1, totalMs: 1 }
  })
  const parts = fakeRequestContext({ edge: stubEdge(outputs, { run }) }, ['https://a.example', 'https://b.example/x/'])
  const ask = (privacy: Privacy, deadlineMs?: number, model = manifest) =>
    runRequest(parts, {
      manifest: model,
      inputs,
      privacy,
      deadlineMs,
      signal: new AbortController().signal,
      startedAt: performance.now(),
      startedAtMs: 0,
      prepareMs: 0,
    })
  return { parts, sent, told, run, ask }
}

/** Turns of the event loop in which all that needs no timer has its end, however busy the machine is. */
const settlingTurns = 20

/** The request's end: its timers fire as they come due once nothing else goes on, and none is waited for. */
export async function endOf<T>(request: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  let end: { value: T } | { error: unknown } | undefined
  request.then(
    (value) => (end = { value }),
    (error: unknown) => (end = { error }),
  )
  for (let round = 0; end === undefined && round < 500; round += 1) {
    for (let turn = 0; end === undefined && turn < settlingTurns; turn += 1) await new Promise(setImmediate)
    if (end === undefined) await vi.advanceTimersByTimeAsync(20)
  }
  if (end === undefined) throw new Error('the request never ended')
  return end
}

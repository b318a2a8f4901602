import { afterAll, expect, test } from 'vitest'
import { openOtherRealm } from '../../testing/other-realm.ts'
import { tensorBuffers } from '../tensor-buffers.ts'
import { errorCodec as errors } from './error-codec.ts'
import { openLink } from './open-link.ts'

const { realm, close } = openOtherRealm()
const { port1, port2 } = new MessageChannel()
afterAll(() => {
  for (const port of [port1, port2]) port.close()
  close()
})

interface Waiting {
  wait(options: { readonly signal: AbortSignal; readonly onProgress: (done: number) => void }): Promise<never>
  waitPlain(signal: AbortSignal): Promise<never>
}
const hold = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error('the far one'))))
openLink(port2 as never, {
  errors,
  methods: {
    wait({ signal, onProgress }) {
      onProgress(1)
      return hold(signal)
    },
    waitPlain: hold,
  } satisfies Waiting,
  lane: { serves: ['waitPlain'] },
})
const { methods } = openLink<Waiting>(port1 as never, { errors, lane: { calls: ['waitPlain'] } })

test('a signal and a function in the options of a frame cross a link', async () => {
  const controller = new realm.AbortController()
  const stop = new realm.Error('stopped')
  const onProgress = () => controller.abort(stop)
  const options = Object.assign(new realm.Object(), { signal: controller.signal, onProgress })
  await expect(methods.wait(options)).rejects.toBe(stop)
})

test('a frame’s signal ends a call of the lane', async () => {
  const controller = new realm.AbortController()
  const stop = new realm.Error('stopped')
  const waiting = methods.waitPlain(controller.signal)
  controller.abort(stop)
  await expect(waiting).rejects.toBe(stop)
})

test('the memory of a frame’s tensors is moved like any other', () => {
  const data = realm.Float32Array.of(1)
  expect(tensorBuffers({ x: { type: 'float32', dims: [1], data } })).toEqual([data.buffer])
})

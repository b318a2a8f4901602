import { afterEach, expect, test, vi } from 'vitest'
import { isHitherError } from '../errors/hither-error.ts'
import type { TriedMethods } from '../testing/methods.worker.ts'
import { handOver } from './hand-over.ts'
import { openWorkerBridge, toCallback, type WorkerBridge } from './worker-bridge.ts'

const opened: WorkerBridge<TriedMethods>[] = []
function open() {
  const worker = new Worker(new URL('../testing/methods.worker.ts', import.meta.url), { type: 'module' })
  const bridge = openWorkerBridge<TriedMethods>(worker, () => new Error('the worker failed'))
  opened.push(bridge)
  return { worker, ...bridge }
}
afterEach(() => {
  for (const bridge of opened.splice(0)) bridge.terminate(new Error('the test is over'))
})

test('numbers are copied, or handed over where that is said', async () => {
  const { methods } = open()
  const numbers = Float32Array.of(1, 2, 3)
  expect([...(await methods.double(numbers))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(3)
  expect([...(await methods.double(handOver(numbers, [numbers.buffer])))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(0)
})

test('each of many calls gets its own answer, and a failure keeps its code', async () => {
  const { methods } = open()
  const failure = methods.fail().catch((error: unknown) => error)
  const answers = await Promise.all(Array.from({ length: 50 }, (_, value) => methods.double(Float32Array.of(value))))
  expect(answers.map(([first]) => first)).toEqual(Array.from({ length: 50 }, (_, value) => 2 * value))
  const error = await failure
  expect(isHitherError(error) && error.code).toBe('model-load-failed')
})

test('what can’t be sent fails its own call and no other', async () => {
  const { methods } = open()
  const waiting = methods.double(Float32Array.of(4))
  await expect(methods.double((() => {}) as never)).rejects.toThrow()
  await expect(methods.unsendable()).rejects.toThrow()
  const others = methods as unknown as { absent(): Promise<never> }
  await expect(others.absent()).rejects.toThrow('no method absent')
  expect([...(await waiting)]).toEqual([8])
})

test('a function goes along, and may be called after the answer', async () => {
  const { methods } = open()
  const heard: number[] = []
  await methods.count(
    3,
    toCallback((count: number) => void heard.push(count)),
  )
  expect(heard).toEqual([])
  await vi.waitFor(() => expect(heard).toEqual([1, 2, 3]))
})

test('a message of another’s is no answer, and one that the worker can’t read ends it', async () => {
  const { methods, worker } = open()
  const waiting = methods.never()
  worker.dispatchEvent(new MessageEvent('message', { data: 'hello' }))
  worker.dispatchEvent(new MessageEvent('message', { data: { id: 999, value: 1 } }))
  worker.dispatchEvent(new MessageEvent('messageerror'))
  await expect(waiting).rejects.toThrow('the worker failed')
  await expect(methods.never()).rejects.toThrow('the worker failed')
})

import { afterEach, expect, test, vi } from 'vitest'
import type { TriedMethods } from '../../testing/methods.worker.ts'
import { eventually } from '../../testing/until.ts'
import { handOver } from './hand-over.ts'
import { openWorkerLink, type WorkerLink } from './worker-link.ts'

const opened: WorkerLink<TriedMethods>[] = []
function open() {
  const worker = new Worker(new URL('../../testing/methods.worker.ts', import.meta.url), { type: 'module' })
  const faults: string[] = []
  const link = openWorkerLink<TriedMethods>(worker, (event) => {
    faults.push('message' in event ? event.message : event.type)
    return new Error('the worker failed')
  })
  opened.push(link)
  return { worker, link, faults, methods: link.methods }
}
afterEach(() => {
  for (const link of opened.splice(0)) link.terminate(new Error('the test is over'))
})

test('numbers are copied, or handed over where that is said', async () => {
  const { methods } = open()
  const numbers = Float32Array.of(1, 2, 3)
  expect([...(await methods.double(numbers))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(3)
  expect([...(await methods.double(handOver(numbers, [numbers.buffer])))]).toEqual([2, 4, 6])
  expect(numbers.length).toBe(0)
})

test('an abort reaches the worker, and a function is called after the answer', async () => {
  const { methods } = open()
  const controller = new AbortController()
  const waiting = methods.wait({ signal: controller.signal })
  controller.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  expect(await methods.aborts()).toBe(1)
  const heard: number[] = []
  await methods.count(3, (count) => void heard.push(count))
  expect(heard).toEqual([])
  await eventually(() => expect(heard).toEqual([1, 2, 3]))
})

test('a worker that is ended rejects its calls with the reason, also those that come later', async () => {
  const { methods, link, worker } = open()
  const ended = vi.spyOn(worker, 'terminate')
  const waiting = methods.never()
  const reason = new Error('ended')
  link.terminate(reason)
  expect(ended).toHaveBeenCalledTimes(1)
  expect(link.alive).toBe(false)
  await expect(waiting).rejects.toBe(reason)
  await expect(methods.never()).rejects.toBe(reason)
})

for (const [method, title] of [
  ['crash', 'an error that nothing caught in the worker'],
  ['forget', 'a rejection that nothing handled in the worker'],
  ['misread', 'a message that the worker could not read'],
] as const) {
  test(`${title} ends it and rejects its calls`, async () => {
    const { methods, link, faults } = open()
    const waiting = methods.never()
    await methods[method]()
    await expect(waiting).rejects.toThrow('the worker failed')
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(method === 'misread' ? 'could not be read' : 'the test')
    expect(link.alive).toBe(false)
  })
}

test('a message of other code is ignored, and an unreadable one ends the worker', async () => {
  const { methods, worker, link } = open()
  const waiting = methods.never()
  worker.dispatchEvent(new MessageEvent('message', { data: 'hello' }))
  worker.dispatchEvent(new MessageEvent('message', { data: { id: 'nobody', type: 'RAW', value: { values: [1] } } }))
  expect(link.alive).toBe(true)
  worker.dispatchEvent(new MessageEvent('messageerror'))
  await expect(waiting).rejects.toThrow('the worker failed')
  await expect(methods.never()).rejects.toThrow('the worker failed')
})

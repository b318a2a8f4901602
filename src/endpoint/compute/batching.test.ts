import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../../contracts/tensor.ts'
import { createBatchPolicy } from './batch-policy.ts'
import { batchKind, isSameAnswer, joinRows, mayBatch, rowsOf, splitRows } from './batch-tensors.ts'
import { createWorkQueue } from './work-queue.ts'

const rows = (...values: number[]): TensorMap => ({
  x: { type: 'float32', dims: [values.length / 2, 2], data: new Float32Array(values) },
})

describe('requests joined along their rows', () => {
  it('come apart as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }), (counts) => {
        const requests = counts.map((count, nth): TensorMap => {
          const texts = Array.from({ length: count }, (_, index) => `${nth}:${index}`)
          return {
            s: { type: 'string', dims: [count], data: texts },
            i: {
              type: 'int64',
              dims: [count, 1],
              data: BigInt64Array.from(texts, (_, index) => BigInt(nth * 10 + index)),
            },
          }
        })
        expect(splitRows(joinRows(requests), counts)).toEqual(requests)
      }),
    )
  })

  it('are not split where an output has other rows', () => {
    expect(splitRows(rows(1, 2, 3, 4), [1, 2])).toBeUndefined()
  })

  it('are of one kind only with the same names, types and sizes', () => {
    expect(batchKind(rows(1, 2))).toBe(batchKind(rows(1, 2, 3, 4)))
    expect(batchKind(rows(1, 2))).not.toBe(batchKind({ y: rows(1, 2).x ?? never() }))
    expect(batchKind(rows(1, 2))).not.toBe(
      batchKind({ x: { type: 'float32', dims: [1, 3], data: new Float32Array(3) } }),
    )
    expect(batchKind(rows(1, 2))).not.toBe(batchKind({ x: { type: 'int32', dims: [1, 2], data: new Int32Array(2) } }))
  })

  it('have one count of rows, above 0', () => {
    expect(rowsOf(rows(1, 2, 3, 4))).toBe(2)
    expect(rowsOf(rows())).toBeUndefined()
    expect(rowsOf({})).toBeUndefined()
    expect(rowsOf({ ...rows(1, 2), y: { type: 'float32', dims: [2], data: new Float32Array(2) } })).toBeUndefined()
  })

  it('need a free first dimension everywhere, and another one at the input', () => {
    const spec = (...shape: number[]) => [{ name: 'x', type: 'float32' as const, shape }]
    expect(mayBatch({ inputs: spec(-1, 2), outputs: spec(-1) })).toBe(true)
    expect(mayBatch({ inputs: spec(-1), outputs: spec(-1) })).toBe(false)
    expect(mayBatch({ inputs: spec(1, 2), outputs: spec(-1) })).toBe(false)
    expect(mayBatch({ inputs: spec(-1, 2), outputs: spec(2) })).toBe(false)
  })
})

it.each([
  ['the same', rows(1, 2), true],
  ['rounding', rows(1.000001, 2), true],
  ['another number', rows(1.1, 2), false],
  ['no number', rows(Number.NaN, 2), false],
  ['another shape', { x: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }, false],
  ['nothing', {}, false],
] as [string, TensorMap, boolean][])('%s compares as %#', (_, other, same) => {
  expect(isSameAnswer(rows(1, 2), other, 0)).toBe(same)
})

it('no number is the same as no number', () => {
  expect(isSameAnswer(rows(Number.NaN, 1), rows(Number.NaN, 1), 0)).toBe(true)
  // More than can be compared without holding up the event loop count as different.
  const many = (count: number): TensorMap => ({ x: { type: 'uint8', dims: [count], data: new Uint8Array(count) } })
  expect([2, 3].map((times) => isSameAnswer(many(times * 2 ** 20), many(times * 2 ** 20), 0))).toEqual([true, false])
})

describe('createBatchPolicy', () => {
  const teach = (maxSize: number, cost: (size: number) => number) => {
    const policy = createBatchPolicy(maxSize)
    for (let run = 0; run < 60; run += 1) {
      const size = policy.sizeFor(100)
      policy.learn(size, cost(size))
    }
    return policy
  }

  it('joins as many as make each one cheaper, and never more than wait', () => {
    const policy = teach(64, (size) => 10 + size)
    expect(policy.sizeFor(100)).toBe(64)
    expect(policy.sizeFor(9)).toBe(8)
    expect(policy.sizeFor(1)).toBe(1)
  })

  it('joins none where that helps none', () => expect(teach(64, (size) => 5 * size).sizeFor(100)).toBe(1))
  it('stops where a larger run is no cheaper', () =>
    expect(teach(64, (size) => (size > 8 ? 100 * size : 10 + size)).sizeFor(100)).toBe(8))
  it('keeps to the limit', () => expect(teach(4, () => 1).sizeFor(100)).toBe(4))

  it('joins none any more once the answers were not the same', () => {
    const policy = teach(64, () => 1)
    policy.check(false)
    expect(policy.sizeFor(100)).toBe(1)
    expect(policy.checked).toBe(true)
  })

  it('is not misled by one slow run', () => {
    const policy = teach(8, (size) => 10 + size)
    policy.learn(8, 500)
    for (let run = 0; run < 40; run += 1) policy.learn(8, 18)
    expect(policy.sizeFor(8)).toBe(8)
  })
})

describe('createWorkQueue', () => {
  const item = (key: string, bytes = 1) => ({ key, bytes })
  const open = (maxWaiting = 3, maxWaitingBytes = 100) =>
    createWorkQueue<{ key: string; bytes: number }>({ maxWaiting, maxWaitingBytes })

  it('bounds each model by number and all by memory', () => {
    const queue = open()
    for (let count = 0; count < 3; count += 1) queue.push(item('a'))
    expect(() => queue.push(item('a'))).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    queue.push(item('b', 97))
    expect(() => queue.push(item('b'))).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    queue.take('a', 1, () => true)
    queue.push(item('b'))
  })

  it('gives back the room of what is removed, once', () => {
    const queue = open(3, 10)
    const big = item('a', 10)
    queue.push(big)
    expect(queue.remove(big)).toBe(true)
    expect(queue.remove(big)).toBe(false)
    queue.push(item('a', 10))
    expect(() => queue.push(item('a'))).toThrow()
  })

  it('lets a quick model have its turns beside a slow one', () => {
    const queue = open(100)
    const turns: string[] = []
    for (let turn = 0; turn < 20; turn += 1) {
      for (const key of ['slow', 'quick']) while (queue.waiting(key) < 2) queue.push(item(key))
      const key = queue.pick() ?? ''
      queue.take(key, 1, () => true)
      queue.charge(key, key === 'slow' ? 90 : 10)
      turns.push(key)
    }
    expect(turns.filter((key) => key === 'slow').length).toBeLessThanOrEqual(3)
    expect(turns).toContain('slow')
  })

  it('does not let one that was idle catch up', () => {
    const queue = open(100)
    for (let turn = 0; turn < 50; turn += 1) {
      queue.push(item('busy'))
      queue.take(queue.pick() ?? '', 1, () => true)
      queue.charge('busy', 10)
    }
    const turns: string[] = []
    for (let turn = 0; turn < 10; turn += 1) {
      for (const key of ['busy', 'idle']) while (queue.waiting(key) < 2) queue.push(item(key))
      const key = queue.pick() ?? ''
      queue.take(key, 1, () => true)
      queue.charge(key, 10)
      turns.push(key)
    }
    expect(turns.filter((key) => key === 'busy').length).toBeGreaterThanOrEqual(4)
  })

  it('takes in order, and only what fits together', () => {
    const queue = open(10)
    for (const bytes of [1, 2, 9, 3]) queue.push(item('a', bytes))
    expect(queue.take('a', 10, (_, { bytes }) => bytes < 9).map(({ bytes }) => bytes)).toEqual([1, 2])
    expect(queue.first('a')).toEqual(item('a', 9))
    expect(queue.take('a', 1, () => true).map(({ bytes }) => bytes)).toEqual([9])
    expect(queue.waiting()).toBe(1)
  })
})

function never(): never {
  throw new Error('not there')
}

import { expect, test } from 'vitest'
import { until } from '../testing/until.ts'
import { forEachLimited } from './for-each-limited.ts'

/** Work whose items end when the test says so. */
function openWork() {
  const started: number[] = []
  const ends = new Map<number, (error?: Error) => void>()
  const work = (item: string, index: number) =>
    new Promise<void>((resolve, reject) => {
      started.push(index)
      ends.set(index, (error) => {
        ends.delete(index)
        if (error === undefined) resolve()
        else reject(new Error(`${item}: ${error.message}`))
      })
    })
  return { started, ends, work }
}
const items = ['a', 'b', 'c', 'd', 'e']

test('does every item, never more than the limit at a time', async () => {
  const { started, ends, work } = openWork()
  const all = forEachLimited(items, 2, work)
  for (const count of [2, 3, 4, 5]) {
    await until(() => started.length === count)
    expect(ends.size).toBe(2)
    ends.get(count - 1)?.()
  }
  ends.get(0)?.()
  await all
  expect(started).toEqual([0, 1, 2, 3, 4])
})

test('rejects with the first failure and starts nothing after it', async () => {
  const { started, ends, work } = openWork()
  const all = forEachLimited(items, 2, work)
  ends.get(1)?.(new Error('no'))
  await expect(all).rejects.toThrow('b: no')
  const other = ends.get(0)
  other?.()
  await new Promise((resolve) => setTimeout(resolve))
  expect(started).toEqual([0, 1])
})

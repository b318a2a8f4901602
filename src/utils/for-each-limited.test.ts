import { expect, test } from 'vitest'
import { forEachLimited } from './for-each-limited.ts'

const tick = () => new Promise((resolve) => setTimeout(resolve))

test('does every item, never more than the limit at a time', async () => {
  let running = 0
  let most = 0
  const done: [string, number][] = []
  await forEachLimited(['a', 'b', 'c', 'd', 'e'], 2, async (item, index) => {
    running += 1
    most = Math.max(most, running)
    await tick()
    running -= 1
    done.push([item, index])
  })
  expect(most).toBe(2)
  expect(done.sort()).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 2],
    ['d', 3],
    ['e', 4],
  ])
})

test('rejects with the first failure and starts nothing after it', async () => {
  const started: number[] = []
  const all = forEachLimited([0, 1, 2, 3, 4, 5], 2, async (item) => {
    started.push(item)
    await tick()
    if (item === 1) throw new Error('one')
  })
  await expect(all).rejects.toThrow('one')
  await tick()
  expect(started).toEqual([0, 1, 2])
})

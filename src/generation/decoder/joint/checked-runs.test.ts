import { expect, test } from 'vitest'
import { createCheckedRuns } from './checked-runs.ts'

test('a form of runs is compared twice, and then known', () => {
  const checked = createCheckedRuns()
  const run = { texts: 2, places: 128 }
  for (const _ of [1, 2]) {
    expect(checked.isNew(run, 128)).toBe(true)
    checked.same(run, [128, 128])
  }
  expect(checked.isNew(run, 128)).toBe(false)
})

test('more texts, more places and texts of other places are new', () => {
  const checked = createCheckedRuns()
  for (const _ of [1, 2]) checked.same({ texts: 2, places: 128 }, [64, 128])
  expect(checked.isNew({ texts: 2, places: 128 }, 64)).toBe(false)
  expect(checked.isNew({ texts: 3, places: 128 }, 128)).toBe(true)
  expect(checked.isNew({ texts: 2, places: 192 }, 128)).toBe(true)
  expect(checked.isNew({ texts: 2, places: 128 }, 0)).toBe(true)
})

test('how a text fares among more places is known for any number of texts', () => {
  const checked = createCheckedRuns()
  for (const _ of [1, 2]) checked.same({ texts: 2, places: 128 }, [64])
  for (const _ of [1, 2]) checked.same({ texts: 3, places: 128 }, [128])
  expect(checked.isNew({ texts: 3, places: 128 }, 64)).toBe(false)
})

test('a run in which nothing was compared makes nothing known', () => {
  const checked = createCheckedRuns()
  for (const _ of [1, 2]) checked.same({ texts: 2, places: 128 }, [])
  expect(checked.isNew({ texts: 2, places: 128 }, 128)).toBe(true)
})

test('where one differs, longer texts are read alone', () => {
  const checked = createCheckedRuns()
  expect(checked.limit).toBe(Number.POSITIVE_INFINITY)
  checked.differs({ texts: 4, places: 1024 })
  checked.differs({ texts: 2, places: 1536 })
  expect(checked.limit).toBe(1024)
})

import { expect, test } from 'vitest'
import { createCrashMarks, type MarkStorage } from './crash-marks.ts'

function memoryStorage(): MarkStorage & { readonly items: Map<string, string> } {
  const items = new Map<string, string>()
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) }
}

test('27: a model in whose load two tabs died is set aside, and only that one', () => {
  const storage = memoryStorage()
  createCrashMarks(storage).begin('a@1')
  expect(createCrashMarks(storage).isSetAside('a@1')).toBe(false)
  createCrashMarks(storage).begin('a@1')
  const third = createCrashMarks(storage)
  expect(third.isSetAside('a@1')).toBe(true)
  expect(third.isSetAside('b@1')).toBe(false)
})

test('a load that ended, well or with an error, is no crash, and forgets earlier ones', () => {
  const storage = memoryStorage()
  createCrashMarks(storage).begin('a@1')
  const second = createCrashMarks(storage)
  second.begin('a@1')
  second.end('a@1')
  createCrashMarks(storage).begin('a@1')
  expect(createCrashMarks(storage).isSetAside('a@1')).toBe(false)
})

test('a page that is closed while it loads has not crashed', () => {
  const storage = memoryStorage()
  for (let visit = 0; visit < 5; visit += 1) {
    const marks = createCrashMarks(storage)
    marks.begin('a@1')
    marks.leave()
  }
  expect(createCrashMarks(storage).isSetAside('a@1')).toBe(false)
})

test('a set-aside model gets another chance after a week, or when asked for', () => {
  const storage = memoryStorage()
  let nowMs = 0
  for (let visit = 0; visit < 3; visit += 1) createCrashMarks(storage, () => nowMs).begin('a@1')
  expect(createCrashMarks(storage, () => nowMs).isSetAside('a@1')).toBe(true)
  nowMs = 8 * 24 * 3_600_000
  expect(createCrashMarks(storage, () => nowMs).isSetAside('a@1')).toBe(false)
  for (let visit = 0; visit < 3; visit += 1) createCrashMarks(storage, () => nowMs).begin('a@1')
  const marks = createCrashMarks(storage, () => nowMs)
  marks.forgive('a@1')
  expect(marks.isSetAside('a@1')).toBe(false)
})

test.each(['not json', '{"a@1":{"open":"x"}}', '[]', 'null'])('nonsense in the storage (%s) is no mark', (text) => {
  const storage = memoryStorage()
  storage.items.set('hither/crash-marks', text)
  const marks = createCrashMarks(storage)
  expect(marks.isSetAside('a@1')).toBe(false)
  marks.begin('a@1')
  expect(storage.items.get('hither/crash-marks')).toContain('a@1')
})

test('without a storage, or with one that refuses, loading goes on', () => {
  const refusing: MarkStorage = {
    getItem: () => null,
    setItem: () => {
      throw new Error('full')
    },
  }
  for (const storage of [undefined, refusing]) {
    const marks = createCrashMarks(storage)
    marks.begin('a@1')
    marks.end('a@1')
    expect(marks.isSetAside('a@1')).toBe(false)
  }
})

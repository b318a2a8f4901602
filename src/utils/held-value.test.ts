import { expect, test } from 'vitest'
import { holdValues } from './held-value.ts'

/** Loads `key 1`, `key 2` and so on, by hand: each load settles when the test says so. */
function open(options: Partial<Parameters<typeof holdValues<string, string>>[0]> = {}) {
  const clock = { ms: 0 }
  const loads: { readonly key: string; finish(value: string): void; fail(error: Error): void }[] = []
  const values = holdValues<string, string>({
    load: (key) =>
      new Promise((finish, fail) => {
        loads.push({ key, finish, fail })
      }),
    holdMs: 100,
    now: () => clock.ms,
    ...options,
  })
  /** Gets a value whose load, if one is needed, answers with `answer`. */
  const get = async (key: string, answer: string) => {
    const before = loads.length
    const got = values.get(key)
    if (loads.length > before) loads.at(-1)?.finish(answer)
    return got
  }
  return { clock, loads, values, get }
}

test('a value is held for its time and not longer', async () => {
  const { clock, get } = open()
  expect(await get('a', 'first')).toBe('first')
  clock.ms = 99
  expect(await get('a', 'second')).toBe('first')
  clock.ms = 100
  expect(await get('a', 'second')).toBe('second')
})

test('callers that ask while a value loads share the load', async () => {
  const { loads, values } = open()
  const both = Promise.all([values.get('a'), values.get('a')])
  expect(loads).toHaveLength(1)
  loads[0]?.finish('first')
  expect(await both).toEqual(['first', 'first'])
})

test('the time may depend on the value', async () => {
  const { clock, get } = open({ holdMs: (value) => (value === 'none' ? 10 : 100) })
  await get('a', 'none')
  await get('b', 'some')
  clock.ms = 10
  expect(await get('a', 'some')).toBe('some')
  expect(await get('b', 'none')).toBe('some')
})

test('a failure rejects for all who wait and is not held', async () => {
  const { loads, values, get } = open()
  const both = Promise.allSettled([values.get('a'), values.get('a')])
  loads[0]?.fail(new Error('down'))
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await get('a', 'second')).toBe('second')
})

test('a stale value is given once more while a new one loads, and no longer than its limit', async () => {
  const { clock, loads, get } = open({ staleMs: 1_000 })
  await get('a', 'first')
  clock.ms = 500
  expect(await get('a', 'second')).toBe('first')
  expect(loads).toHaveLength(2)
  expect(await get('a', 'third')).toBe('second')
  clock.ms = 1_501
  expect(await get('a', 'fourth')).toBe('fourth')
})

test('a stale value whose load fails is not given again', async () => {
  const { clock, loads, values, get } = open({ staleMs: 1_000 })
  await get('a', 'first')
  clock.ms = 500
  expect(await values.get('a')).toBe('first')
  loads[1]?.fail(new Error('gone'))
  await Promise.resolve()
  expect(await get('a', 'third')).toBe('third')
})

test('a load under way is not held after its key was forgotten', async () => {
  const { loads, values, get } = open()
  const early = values.get('a')
  values.forget('a')
  loads[0]?.finish('early')
  expect(await early).toBe('early')
  expect(values.peek('a')).toBeUndefined()
  expect(await get('a', 'late')).toBe('late')
})

test('clear forgets every key', async () => {
  const { values, get } = open()
  await get('a', 'first')
  await get('b', 'first')
  values.clear()
  expect(await get('a', 'second')).toBe('second')
  expect(await get('b', 'second')).toBe('second')
})

test('peek answers from what is held and loads nothing', async () => {
  const { clock, loads, values, get } = open()
  expect(values.peek('a')).toBeUndefined()
  await get('a', 'first')
  expect(values.peek('a')).toEqual({ value: 'first' })
  clock.ms = 100
  expect(values.peek('a')).toBeUndefined()
  expect(loads).toHaveLength(1)
})

test('the key that was loaded longest ago makes room', async () => {
  const { clock, values, get } = open({ maxKeys: 2 })
  await get('a', '1')
  await get('b', '1')
  clock.ms = 100
  await get('a', '2')
  await get('c', '1')
  clock.ms = 50 // before any of them expires
  expect(['a', 'b', 'c'].map((key) => values.peek(key)?.value)).toEqual(['2', undefined, '1'])
})

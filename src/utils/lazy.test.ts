import { expect, test, vi } from 'vitest'
import { lazy } from './lazy.ts'

test('a part is loaded once, and only when it is needed', async () => {
  const load = vi.fn(async () => ({ name: 'part' }))
  const part = lazy(load)
  expect(load).not.toHaveBeenCalled()
  expect(part.peek()).toBeUndefined()
  const [first, second] = await Promise.all([part.get(), part.get()])
  expect(first).toBe(second)
  expect(await part.get()).toBe(first)
  expect(part.peek()).toBe(first)
  expect(load).toHaveBeenCalledTimes(1)
})

test('a failure is forgotten: the next call loads again', async () => {
  const load = vi.fn(async () => 'part').mockRejectedValueOnce(new Error('offline'))
  const part = lazy(load)
  const both = await Promise.allSettled([part.get(), part.get()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(part.peek()).toBeUndefined()
  expect(await part.get()).toBe('part')
  expect(load).toHaveBeenCalledTimes(2)
})

test('a load that fails before it returns a promise is forgotten, too', async () => {
  const load = vi
    .fn(async () => 'part')
    .mockImplementationOnce(() => {
      throw new Error('no such module')
    })
  const part = lazy(load)
  await expect(part.get()).rejects.toThrow('no such module')
  expect(await part.get()).toBe('part')
})

test('a failure gets the error that its user makes of it', async () => {
  const cause = new TypeError('Failed to fetch')
  const part = lazy(
    () => Promise.reject(cause),
    (reason) => new Error('The part could not be loaded.', { cause: reason }),
  )
  await expect(part.get()).rejects.toMatchObject({ message: 'The part could not be loaded.', cause })
})

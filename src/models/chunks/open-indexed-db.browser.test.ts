import { afterEach, beforeEach, expect, test } from 'vitest'
import { createManualTimers } from '../../testing/manual-timers.ts'
import { openIndexedDb } from './open-indexed-db.ts'
import { openKeyValueStore } from './open-key-value-store.ts'
import { openRecords } from './open-records.ts'

let name: string
beforeEach(() => {
  name = `test-${crypto.randomUUID()}`
})
afterEach(() => {
  indexedDB.deleteDatabase(name)
})

/** The browser's own factory, with a hold on the connections it gave out. */
function watchedFactory() {
  const connections: IDBDatabase[] = []
  const factory = {
    open(...args: Parameters<IDBFactory['open']>) {
      const request = indexedDB.open(...args)
      request.addEventListener('success', () => connections.push(request.result))
      return request
    },
  } as IDBFactory
  return { factory, connections }
}

test('values last from one opening to the next', async () => {
  const first = await openRecords({ name })
  expect(first.persistent).toBe(true)
  await first.set('model/a', { n: 1 })
  await first.set('model/b', 2)
  await first.set('catalog/c', 3)
  const second = await openRecords({ name })
  expect(await second.get('model/a')).toEqual({ n: 1 })
  expect(await second.get('none')).toBeUndefined()
  expect(await second.keys('model/')).toEqual(['model/a', 'model/b'])
  await second.del(['model/a', 'catalog/c'])
  expect(await second.keys()).toEqual(['model/b'])
})

test.each(['strict', 'relaxed'] as const)('writes with %s durability', async (durability) => {
  const store = await openIndexedDb({ name, durability })
  expect(await store('readwrite', (objects) => objects.transaction.durability)).toBe(durability)
})

test('opens again when the connection died', async () => {
  const { factory, connections } = watchedFactory()
  const store = await openKeyValueStore({ name, durability: 'strict', indexedDB: factory })
  await store.set('a', 1)
  connections[0]?.close()
  expect(await store.get('a')).toBe(1)
  expect(connections).toHaveLength(2)
  connections[1]?.close()
  await Promise.all([store.set('b', 2), store.set('c', 3)])
  expect(connections.length).toBeLessThanOrEqual(4)
  expect((await store.keys()).length).toBe(3)
})

test('a fault that stays is told, not tried for ever', async () => {
  const { timers } = promptTimers()
  const store = await openIndexedDb({ name, durability: 'strict', timers })
  let tries = 0
  const broken = store('readonly', () => {
    tries += 1
    throw new DOMException('lost', 'UnknownError')
  })
  await expect(broken).rejects.toMatchObject({ name: 'UnknownError' })
  expect(tries).toBe(4)
})

test('a browser that clears its data may close the next connections, too', async () => {
  const { factory, connections } = watchedFactory()
  const { timers, pausesMs } = promptTimers()
  const store = await openIndexedDb({ name, durability: 'strict', indexedDB: factory, timers })
  let deaths = 0
  const counted = store('readonly', () => {
    if (deaths < 3) {
      deaths += 1
      connections.at(-1)?.close()
      throw new DOMException('closed', deaths === 1 ? 'AbortError' : 'InvalidStateError')
    }
    return Promise.resolve('read')
  })
  expect(await counted).toBe('read')
  expect(connections).toHaveLength(4)
  expect(pausesMs).toEqual([100, 300])
})

test("the browser's own abort of a transaction is not taken for the caller's", async () => {
  const store = await openIndexedDb({ name, durability: 'strict' })
  const aborted = store('readwrite', (objects) => {
    const { transaction } = objects
    return new Promise<void>((_, reject) => {
      transaction.onabort = () => reject(transaction.error)
      transaction.abort()
    })
  })
  await expect(aborted).rejects.toMatchObject({ name: 'CapabilityError', code: 'storage-unavailable' })
})

test('lets another tab delete the database, and goes on with a new one', async () => {
  const store = await openRecords({ name })
  await store.set('a', 1)
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onblocked = () => reject(new Error('blocked'))
  })
  expect(await store.get('a')).toBeUndefined()
  await store.set('a', 2)
  expect(await store.get('a')).toBe(2)
})

test('an open that answers too late is closed again', async () => {
  const { factory, connections } = watchedFactory()
  const timers = createManualTimers()
  const opening = openRecords({ name, indexedDB: factory, timers })
  timers.fireAll()
  expect((await opening).persistent).toBe(false)
  await expect.poll(() => connections.length).toBe(1)
  await expect
    .poll(() => {
      try {
        connections[0]?.transaction('keyval')
        return 'open'
      } catch (error) {
        return error instanceof Error && error.name
      }
    })
    .toBe('InvalidStateError')
})

test('a database of a later version is left as it is', async () => {
  await new Promise<void>((resolve) => {
    const request = indexedDB.open(name, 7)
    request.onupgradeneeded = () => request.result.createObjectStore('later').put('kept', 'key')
    request.onsuccess = () => {
      request.result.close()
      resolve()
    }
  })
  const store = await openRecords({ name })
  expect(store.persistent).toBe(false)
  await store.set('a', 1)
  const databases = await indexedDB.databases()
  expect(databases.find((database) => database.name === name)?.version).toBe(7)
})

test('a factory that throws (a sandboxed frame) means memory', async () => {
  const open = () => {
    throw new DOMException('sandboxed', 'SecurityError')
  }
  expect((await openRecords({ indexedDB: { open } as unknown as IDBFactory })).persistent).toBe(false)
})

/** A factory whose first opens fail with the given error, and how often it was asked. */
function failingFactory(error: DOMException, times: number) {
  const asked = { opens: 0 }
  const open = (...args: Parameters<IDBFactory['open']>) => {
    asked.opens += 1
    if (asked.opens > times) return indexedDB.open(...args)
    const request = { error } as { error: DOMException; onerror?: () => void }
    queueMicrotask(() => request.onerror?.())
    return request
  }
  return { asked, factory: { open } as unknown as IDBFactory }
}

/** Timers that wait for nothing, and the pauses that were asked for. The time an open may take is not one of them. */
function promptTimers() {
  const pausesMs: number[] = []
  const timers = {
    setTimeout(callback: () => void, ms: number) {
      if (ms >= 5_000) return undefined
      pausesMs.push(ms)
      return setTimeout(callback)
    },
    clearTimeout() {},
  }
  return { timers, pausesMs }
}

test.each([
  ['that a killed browser left locked', 'Internal error opening backing store', 'UnknownError'],
  ['of a site whose data are being cleared', 'The connection was closed.', 'AbortError'],
])('a database %s is opened once it is free', async (_, message, errorName) => {
  const { asked, factory } = failingFactory(new DOMException(message, errorName), 3)
  const { timers, pausesMs } = promptTimers()
  const store = await openRecords({ name, indexedDB: factory, timers })
  expect(store.persistent).toBe(true)
  expect(asked.opens).toBe(4)
  expect(pausesMs).toEqual([100, 300, 900])
})

test('one that stays locked is told, after the fourth try', async () => {
  const { asked, factory } = failingFactory(new DOMException('Internal error opening backing store', 'UnknownError'), 9)
  const { timers } = promptTimers()
  await expect(openIndexedDb({ name, durability: 'strict', indexedDB: factory, timers })).rejects.toMatchObject({
    code: 'storage-unavailable',
    cause: { name: 'UnknownError' },
  })
  expect(asked.opens).toBe(4)
})

test.each([
  ['The user denied permission to access the database.', 'UnknownError'],
  ['A later version is there.', 'VersionError'],
])('what will not pass means memory at once: %s', async (message, errorName) => {
  const { asked, factory } = failingFactory(new DOMException(message, errorName), 1)
  const { timers, pausesMs } = promptTimers()
  expect((await openRecords({ name, indexedDB: factory, timers })).persistent).toBe(false)
  expect(asked.opens).toBe(1)
  expect(pausesMs).toEqual([])
})

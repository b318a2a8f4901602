import { expect, test } from 'vitest'
import { createNetworkWatcher, type NetworkChange } from './network-watcher.ts'

function createFake() {
  const listeners = new Map<string, Set<() => void>>()
  const part = (prefix: string) => ({
    addEventListener(type: string, listener: () => void) {
      const key = prefix + type
      listeners.set(key, (listeners.get(key) ?? new Set()).add(listener))
    },
    removeEventListener(type: string, listener: () => void) {
      listeners.get(prefix + type)?.delete(listener)
    },
  })
  const connection = {
    ...part('connection:'),
    saveData: false,
    effectiveType: '4g',
    type: 'wifi',
    rtt: 50,
    downlink: 10,
  }
  const navigator = { onLine: true, connection }
  const count = () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0)
  const fire = (type: string) => {
    for (const listener of [...(listeners.get(type) ?? [])]) listener()
  }
  const watcher = createNetworkWatcher({ target: part(''), navigator })
  return { watcher, navigator, connection, count, fire }
}

test('it listens only while someone listens to it', () => {
  const { watcher, count } = createFake()
  expect(count()).toBe(0)
  const listener = () => {}
  const [first, second] = [watcher.onChange(listener), watcher.onChange(listener)]
  expect(count()).toBe(3)
  first()
  first()
  expect(count()).toBe(3)
  second()
  expect(count()).toBe(0)
})

test('it tells what changed', () => {
  const { watcher, navigator, connection, fire } = createFake()
  const seen: NetworkChange[] = []
  watcher.onChange((change) => seen.push(change))
  navigator.onLine = false
  fire('offline')
  expect(watcher.online).toBe(false)
  navigator.onLine = true
  fire('online')
  connection.rtt = 300
  fire('connection:change')
  connection.saveData = true
  fire('connection:change')
  connection.type = 'cellular'
  fire('connection:change')
  expect(seen).toEqual([
    { online: false, saveData: false, networkChanged: false },
    { online: true, saveData: false, networkChanged: true },
    { online: true, saveData: true, networkChanged: false },
    { online: true, saveData: true, networkChanged: true },
  ])
})

test('without navigator or connection it counts as online', () => {
  expect(createNetworkWatcher({ navigator: undefined })).toMatchObject({ online: true, saveData: false })
  const watcher = createNetworkWatcher()
  expect(watcher.online).toBe(true)
  watcher.onChange(() => {})()
})

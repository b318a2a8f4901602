import { describe, expect, it } from 'vitest'
import { createNetworkWatcher } from './network-watcher.ts'
import { pretendWatcher } from './pretend-watcher.ts'
import { shapeFetch } from './simulated-network.ts'

describe('shapeFetch', () => {
  it('waits for the round trip and for every byte of both ways', async () => {
    const waits: number[] = []
    const slow = shapeFetch(
      async () => new Response('x'.repeat(1000), { status: 201, headers: { 'x-a': 'b' } }),
      { roundTripMs: 400, bitsPerSecond: 8000 },
      async (ms) => void waits.push(ms),
    )
    const response = await slow('http://a.example/', { method: 'POST', body: new Uint8Array(500) })
    expect([response.status, response.headers.get('x-a')]).toEqual([201, 'b'])
    expect((await response.text()).length).toBe(1000)
    expect(waits[0]).toBe(400 + 500)
    expect(waits.slice(1).reduce((sum, ms) => sum + ms, 0)).toBe(1000)
  })

  it('asks for nothing while it pretends to be offline', async () => {
    let asked = 0
    const none = shapeFetch(async () => {
      asked += 1
      return new Response()
    }, 'offline')
    await expect(none('http://a.example/')).rejects.toThrow(TypeError)
    expect(asked).toBe(0)
  })

  it('ends with the signal’s reason', async () => {
    const slow = shapeFetch(async () => new Response(), { roundTripMs: 1e8, bitsPerSecond: 1 })
    const stop = new AbortController()
    const asked = slow('http://a.example/', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})

describe('pretendWatcher', () => {
  it('is offline and saves data where that is pretended', () => {
    const watcher = createNetworkWatcher({ navigator: { onLine: true } })
    expect(pretendWatcher(watcher, { offline: true, saveData: true })).toMatchObject({ online: false, saveData: true })
    expect(pretendWatcher(watcher, { offline: false, saveData: false })).toMatchObject({
      online: true,
      saveData: false,
    })
  })
})

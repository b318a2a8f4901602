import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEventLog } from './event-log.ts'
import { createKeptStreams } from './kept-streams.ts'

describe('createKeptStreams', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())
  const stream = () => ({
    log: createEventLog({ keptBytes: 10, stallMs: 10, onLeft: () => {} }),
    model: 'm',
    client: undefined,
  })

  it('keeps a stream while it goes on, and for a while after its end', () => {
    const streams = createKeptStreams(1_000)
    streams.add('a', stream())
    vi.advanceTimersByTime(1_000_000)
    expect(streams.find('a')).toBeDefined()
    streams.ended('a')
    vi.advanceTimersByTime(999)
    expect(streams.find('a')).toBeDefined()
    vi.advanceTimersByTime(1)
    expect(streams.find('a')).toBeUndefined()
  })

  it('of very many that have ended, the first goes', () => {
    const streams = createKeptStreams(1_000)
    for (let count = 0; count <= 1_000; count += 1) {
      streams.add(String(count), stream())
      streams.ended(String(count))
    }
    expect(streams.find('0')).toBeUndefined()
    expect(streams.find('1')).toBeDefined()
    streams.close()
    expect(streams.find('1')).toBeUndefined()
  })
})

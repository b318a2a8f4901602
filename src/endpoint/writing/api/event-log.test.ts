import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEventLog, type EventLog } from './event-log.ts'

const stallMs = 1_000
const openLog = (onLeft: () => void = () => {}): EventLog => createEventLog({ keptBytes: 100, stallMs, onLeft })
const addAll = (log: EventLog, from: number, to: number) => {
  for (let id = from; id <= to; id += 1) void log.add(id, `${String(id).padStart(9, '.')}\n`)
}
const textOf = async (stream: AsyncIterable<Buffer>) => {
  let text = ''
  for await (const chunk of stream) text += chunk.toString()
  return text
}
const numbers = (text: string) => (text.match(/\d+/g) ?? []).map(Number)

describe('createEventLog', () => {
  it('gives what follows an event, and what is still to come', async () => {
    const log = openLog()
    addAll(log, 1, 4)
    const read = textOf(log.read(2))
    addAll(log, 5, 6)
    log.end()
    expect(numbers(await read)).toEqual([3, 4, 5, 6])
    expect(numbers(await textOf(log.read(5)))).toEqual([6])
    expect(numbers(await textOf(log.read()))).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('keeps the last events within its bound, and says so to who has missed others', async () => {
    const log = openLog()
    addAll(log, 1, 30)
    log.end()
    expect(numbers(await textOf(log.read(20)))).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30])
    expect(() => log.read(19)).toThrow(expect.objectContaining({ code: 'cloud-refused', context: { status: 410 } }))
    expect(() => log.read()).toThrow()
  })

  it('an event that is larger than its bound is kept alone', async () => {
    const log = openLog()
    addAll(log, 1, 3)
    void log.add(4, 'x'.repeat(500))
    log.end()
    expect(await textOf(log.read(3))).toHaveLength(500)
  })

  it('tells once its reader has gone, and not because of its end or of another reader', async () => {
    const left = vi.fn()
    const log = openLog(left)
    const first = log.read()
    const second = log.read()
    await new Promise((resolve) => first.once('close', resolve))
    expect(left).not.toHaveBeenCalled()
    second.destroy()
    await new Promise((resolve) => second.once('close', resolve))
    expect(left).toHaveBeenCalledTimes(1)
    const third = textOf(log.read())
    log.end()
    await third
    expect(left).toHaveBeenCalledTimes(1)
  })

  it('a comment goes to its reader, and is no event', async () => {
    const log = openLog()
    log.comment()
    const read = textOf(log.read())
    log.comment()
    addAll(log, 1, 1)
    log.end()
    log.comment()
    expect(await read).toBe(':\n\n........1\n')
    expect(await textOf(log.read())).toBe('........1\n')
  })

  describe('with a slow reader', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
    afterEach(() => void vi.useRealTimers())

    it('makes who writes wait until it reads', async () => {
      const log = openLog()
      const stream = log.read()
      expect(log.add(1, 'x'.repeat(100))).toBeUndefined()
      const waiting = log.add(2, 'x'.repeat(20_000))
      expect(waiting).toBeInstanceOf(Promise)
      stream.resume()
      await waiting
      expect(log.add(3, 'x')).toBeUndefined()
    })

    it('sends it away when it takes nothing for too long', async () => {
      const left = vi.fn()
      const log = openLog(left)
      const stream = log.read()
      const waiting = log.add(1, 'x'.repeat(20_000))
      vi.advanceTimersByTime(stallMs)
      await waiting
      expect(stream.destroyed).toBe(true)
      expect(left).toHaveBeenCalledTimes(1)
    })
  })
})

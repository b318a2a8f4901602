import { setMaxListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { greedy } from '../../../generation/sampling/sampling.ts'
import type { WriteEvent } from '../../../generation/writer/write-request.ts'
import { bytesPerToken } from '../../../models/manifest/writing-memory.ts'
import { tinyWriter } from '../../../testing/tiny-writer.ts'
import { until } from '../../../testing/until.ts'
import { openWritingFixture, type WritingFixture } from '../../../testing/writing-fixture.ts'
import { isReady } from '../../model-folder/find-model.ts'
import { openModelFolder } from '../../model-folder/model-folder.ts'
import { eventsAhead } from '../thread/writing-messages.ts'
import type { TakeEvent } from '../thread/writing-thread.ts'
import { createModelThreads } from './model-threads.ts'
import { createWritingPool } from './writing-pool.ts'
import { type WritingReadyModel, writes } from './writing-task.ts'

let fixture: WritingFixture
let model: WritingReadyModel
const ending: (() => Promise<void>)[] = []
beforeAll(async () => {
  fixture = await openWritingFixture([await tinyWriter()])
  const { records } = (await openModelFolder(fixture.modelsDir)).models
  model = records.filter(isReady).filter(writes)[0] as WritingReadyModel
})
afterAll(async () => {
  for (const end of ending) await end()
  await fixture.close()
})

const silenceMs = 300_000
function open(options: { readonly cacheBytes?: number; readonly maxQueue?: number } = {}) {
  const { cacheBytes = 1e8, maxQueue = 200 } = options
  const threads = createModelThreads({
    script: fixture.script,
    runThreads: 1,
    rememberBytes: () => 1e6,
    emptyBytes: () => 1e6,
    silenceMs,
    openMs: 300_000,
    onFault: () => {},
  })
  const pool = createWritingPool({ threads, cacheBytes, maxQueue, maxWaitMs: 50_000 })
  ending.push(() => pool.close())
  const write = (take: TakeEvent, { maxTokens = 40, signal = new AbortController().signal } = {}) =>
    pool.write(
      {
        model,
        request: {
          prompt: { text: 'hello' },
          answer: [],
          sampling: greedy,
          stops: [],
          maxTokens,
          whenFull: 'refuse',
        },
        promptTokens: 5,
      },
      take,
      signal,
    )
  return { pool, write }
}
const isText = ({ type }: WriteEvent) => type === 'text'

describe('slow readers', () => {
  it('a hundred of them hold up nobody, and little is written for them (case 65)', async () => {
    const { pool, write } = open()
    const controller = new AbortController()
    setMaxListeners(0, controller.signal)
    const taken = Array.from({ length: 100 }, () => 0)
    const slow = taken.map((_, index) =>
      write(
        () => {
          taken[index] = (taken[index] ?? 0) + 1
          return new Promise<void>(() => {})
        },
        { maxTokens: 200, signal: controller.signal },
      ),
    )
    const events: WriteEvent[] = []
    const quick = await write((event) => void events.push(event))
    expect(quick.reason).toBe('length')
    expect(events.filter(isText)).toHaveLength(40)
    // All of them were begun by then, and each has what may be under way.
    await until(() => taken.every((count) => count >= 3))
    expect(Math.max(...taken)).toBeLessThanOrEqual(eventsAhead + 2)
    controller.abort(new Error('enough'))
    expect((await Promise.allSettled(slow)).every(({ status }) => status === 'rejected')).toBe(true)
    expect([pool.active, pool.waiting, pool.usedBytes]).toEqual([0, 0, 0])
  })

  it('one that was slow goes on where it stood', async () => {
    const { write } = open()
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let count = 0
    const writing = write(() => {
      count += 1
      return count < 10 ? undefined : gate
    })
    await until(() => count >= 10)
    goOn()
    expect((await writing).reason).toBe('length')
  })
})

describe('memory', () => {
  it('answers that have grown beyond it together wait for the oldest', async () => {
    const perToken = bytesPerToken(model.manifest.generation)
    const room = 80 * perToken
    const { pool, write } = open({ cacheBytes: room })
    // Short answers are expected from here on.
    await write(() => {}, { maxTokens: 1 })
    const most: number[] = []
    const one = () => write(() => void most.push(pool.usedBytes), { maxTokens: 70 })
    const ends = await Promise.all([one(), one(), one()])
    expect(ends.map(({ reason }) => reason)).toEqual(['length', 'length', 'length'])
    // The oldest goes on to its 75 tokens; the others stand still with what they had, and what was under way.
    expect(Math.max(...most)).toBeGreaterThan(room)
    expect(Math.max(...most)).toBeLessThanOrEqual(room + (75 + 2 * (eventsAhead + 4)) * perToken)
  })
})

it('an answer is begun where what is expected of all fits', async () => {
  const perToken = bytesPerToken(model.manifest.generation)
  const { pool, write } = open({ cacheBytes: 80 * perToken })
  let most = 0
  const one = () =>
    write(
      () => {
        most = Math.max(most, pool.active)
      },
      { maxTokens: 60 },
    )
  await Promise.all([one(), one(), one()])
  expect(most).toBe(1)
})

describe('queues', () => {
  it('are bounded', async () => {
    const { pool, write } = open({ maxQueue: 1, cacheBytes: 1 })
    await fixture.hold()
    const first = write(() => {})
    const second = write(() => {})
    await until(() => pool.waiting === 1)
    await expect(write(() => {})).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await fixture.letGo()
    expect((await first).reason).toBe('length')
    expect((await second).reason).toBe('length')
    expect((await second).queueMs).toBeGreaterThan(0)
  })

  it('are left by who does not wait any longer', async () => {
    const { pool, write } = open({ cacheBytes: 1 })
    await fixture.hold()
    const first = write(() => {})
    const controller = new AbortController()
    const second = write(() => {}, { signal: controller.signal })
    await until(() => pool.waiting === 1)
    controller.abort('gone')
    await expect(second).rejects.toBe('gone')
    await fixture.letGo()
    await first
    expect([pool.active, pool.waiting]).toEqual([0, 0])
  })
})

it('a run without an end costs its thread, and the next answer gets another', async () => {
  const { pool, write } = open()
  await write(() => {})
  await fixture.hold()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const given = expect(write(() => {})).rejects.toMatchObject({ code: 'cloud-timeout' })
  await setImmediate()
  vi.advanceTimersByTime(silenceMs)
  await given
  vi.useRealTimers()
  expect(pool.stuckThreads).toBe(1)
  await fixture.letGo()
  expect((await write(() => {})).reason).toBe('length')
  // The one that was given up ends itself once its run has ended.
  await until(() => pool.stuckThreads === 0)
})

it('what would come too late is refused by what was learned', async () => {
  const { pool, write } = open()
  await write(() => {})
  expect(() => pool.admit(model, 5, performance.now() + 60_000)).not.toThrow()
  expect(() => pool.admit(model, 5, performance.now())).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
})

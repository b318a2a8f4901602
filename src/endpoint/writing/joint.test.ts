import { afterAll, beforeAll, expect, it } from 'vitest'
import { greedy, type Sampling } from '../../generation/sampling/sampling.ts'
import type { WriteEvent } from '../../generation/writer/write-request.ts'
import { roundedWriter } from '../../testing/rounded-writer.ts'
import { until } from '../../testing/until.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'
import { isReady } from '../model-folder/find-model.ts'
import { openModelFolder } from '../model-folder/model-folder.ts'
import { createModelThreads } from './pool/model-threads.ts'
import { createWritingPool } from './pool/writing-pool.ts'
import { type WritingReadyModel, writes } from './pool/writing-task.ts'
import type { TakeEvent } from './thread/writing-thread.ts'

let fixture: WritingFixture
let model: WritingReadyModel
const ending: (() => Promise<void>)[] = []
beforeAll(async () => {
  fixture = await openWritingFixture([await roundedWriter('rounded')])
  const { records } = (await openModelFolder(fixture.modelsDir)).models
  model = records.filter(isReady).filter(writes)[0] as WritingReadyModel
})
afterAll(async () => {
  for (const end of ending) await end()
  await fixture.close()
})

/** A thread that has read nothing yet. */
function open() {
  const threads = createModelThreads({
    script: fixture.script,
    runThreads: 1,
    rememberBytes: () => 1e8,
    emptyBytes: () => 1e8,
    silenceMs: 300_000,
    openMs: 300_000,
    onFault: () => {},
  })
  const pool = createWritingPool({ threads, cacheBytes: 1e9, maxQueue: 200, maxWaitMs: 50_000 })
  ending.push(() => pool.close())
  return pool
}

interface Ask {
  readonly ids: readonly number[]
  /** What another one has written of it. */
  readonly answer?: readonly number[]
  readonly maxTokens: number
  readonly sampling?: Partial<Sampling>
  readonly logprobs?: number
}
async function write(
  pool: ReturnType<typeof open>,
  { ids, answer = [], maxTokens, sampling, logprobs }: Ask,
  take: TakeEvent = () => {},
  signal = new AbortController().signal,
) {
  const events: WriteEvent[] = []
  const request = {
    prompt: { ids },
    answer: [...answer],
    sampling: { ...greedy, ...sampling },
    stops: [],
    maxTokens,
    whenFull: 'refuse' as const,
    ...(logprobs === undefined ? {} : { logprobs }),
  }
  const end = await pool.write(
    { model, request, promptTokens: ids.length },
    (event, ms) => {
      events.push(event)
      return take(event, ms)
    },
    signal,
  )
  const pieces = events.flatMap((event) => (event.type === 'text' ? [event] : []))
  return {
    reason: end.reason,
    tokens: pieces.flatMap(({ tokens }) => tokens),
    text: pieces.map(({ text }) => text).join(''),
    logprobs: pieces.flatMap((piece) => piece.logprobs ?? []),
  }
}

const promptOf = (length: number, seed: number) => Array.from({ length }, (_, at) => (at * 7 + seed * 31) % 256)
const asks: readonly Ask[] = [
  { ids: promptOf(5, 1), maxTokens: 60 },
  { ids: promptOf(150, 2), maxTokens: 40, sampling: { temperature: 1.1, topP: 0.9, seed: 5 } },
  { ids: promptOf(60, 3), maxTokens: 60, sampling: { frequencyPenalty: 0.6, presencePenalty: 0.2 } },
  { ids: promptOf(300, 4), maxTokens: 50, logprobs: 2 },
  { ids: promptOf(90, 5), maxTokens: 25, sampling: { temperature: 0.8, topK: 20, seed: 6, repetitionPenalty: 1.2 } },
  { ids: promptOf(30, 6), maxTokens: 60 },
  { ids: promptOf(50, 11), answer: promptOf(9, 12), maxTokens: 50, sampling: { temperature: 1, seed: 9 } },
]

it('texts that are written together are those that each would be alone, of fewer runs', async () => {
  const expected = []
  let before = await fixture.runs()
  // One after another: no prompt begins like another one.
  const single = open()
  for (const ask of asks) expected.push(await write(single, ask))
  const runsAlone = (await fixture.runs()) - before
  expect(expected.reduce((sum, { tokens }) => sum + tokens.length, 0)).toBeGreaterThan(100)

  before = await fixture.runs()
  const pool = open()
  expect(await Promise.all(asks.map((ask) => write(pool, ask)))).toEqual(expected)
  // What prompts need is the same, and forms of runs that are new are compared.
  expect((await fixture.runs()) - before).toBeLessThan(runsAlone * 0.6)

  // Each prompt is known by now, but for its last token: whoever comes again is written the same.
  const again = await Promise.all(asks.map((ask) => write(pool, ask)))
  expect(again.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens))
})

it('one that comes in the midst, one that leaves and one whose reader is slow change nothing for the others', async () => {
  const steady: Ask = { ids: promptOf(40, 7), maxTokens: 120 }
  const late: Ask = { ids: promptOf(100, 8), maxTokens: 30 }
  const slow: Ask = { ids: promptOf(70, 9), maxTokens: 60 }
  const leaving: Ask = { ids: promptOf(20, 10), maxTokens: 400 }
  const single = open()
  const [steadyAlone, lateAlone, slowAlone] = [
    await write(single, steady),
    await write(single, late),
    await write(single, slow),
  ]
  const pool = open()
  const controller = new AbortController()
  let letGo = () => {}
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let count = 0
  let slowCount = 0
  let left = 0
  let lateText: ReturnType<typeof write> | undefined
  const steadyText = write(pool, steady, () => {
    count += 1
    if (count === 20) lateText = write(pool, late)
    if (count === 40) controller.abort('enough')
  })
  const slowText = write(pool, slow, () => {
    slowCount += 1
    return slowCount < 12 ? undefined : gate
  })
  const leftText = write(
    pool,
    leaving,
    () => {
      left += 1
    },
    controller.signal,
  )
  await expect(leftText).rejects.toBe('enough')
  // It does not wait for those that it shares its runs with.
  expect(count).toBeLessThan(steady.maxTokens / 2)
  expect(left).toBeGreaterThan(1)
  const leftAt = left
  expect(await steadyText).toEqual(steadyAlone)
  expect(await lateText).toEqual(lateAlone)
  letGo()
  expect(await slowText).toEqual(slowAlone)
  expect(left).toBe(leftAt)
  await until(() => pool.active === 0)
  expect(pool.usedBytes).toBe(0)
})

import { expect, it } from 'vitest'
import { CloudError } from '../../../errors/cloud-error.ts'
import { EdgeError } from '../../../errors/edge-error.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import { createTextLearner } from '../../../routing/text/learning/text-learner.ts'
import type { TextPlan, TextRunEnd } from '../../../routing/text/text-types.ts'
import { createHandClock } from '../../../testing/text-writer-fixture.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import type { WritingPart } from '../../types/generate-types.ts'
import { type AnswerState, noAnswer } from '../answer/answer-state.ts'
import type { TextArmPlace } from '../routing/text-places.ts'
import type { ConductOptions } from './conduct-types.ts'
import { conductWriting } from './conduct-writing.ts'
import type { RunEnd, RunEvents } from './run-types.ts'

const cloud = { arm: 'cloud', endpoint: 'c' } as const
const edge = { arm: 'edge' } as const
const place = (ref: ArmRef): TextArmPlace => ({
  ref,
  at: ref.arm === 'edge' ? { arm: 'edge', model: 'm', backend: 'wasm' } : { arm: 'cloud', model: 'm', endpoint: 'c' },
  isOther: false,
  isSameTokenizer: true,
  mayWrite: true,
  isReady: true,
})

/** A run that a test has in its hands. */
interface HeldRun {
  readonly ref: ArmRef
  readonly from: Readonly<AnswerState>
  readonly events: RunEvents
  readonly signal: AbortSignal
  end(value?: RunEnd): Promise<void>
  fail(error: Error): Promise<void>
}
const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

async function conduct(
  begin: ArmRef,
  changes: {
    readonly savesPower?: () => boolean
    readonly staysHere?: boolean
    readonly readAhead?: ConductOptions['readAhead']
    readonly objective?: TextPlan['objective']
  } = {},
) {
  const runs: HeldRun[] = []
  const parts: WritingPart[] = []
  const ended: TextRunEnd[] = []
  const clock = createHandClock()
  const state = noAnswer()
  const other = begin.arm === 'edge' ? cloud : edge
  const plan: TextPlan = {
    ...begin,
    ...{
      model: 'm',
      objective: changes.objective ?? 'first-token',
      reason: 'edge-first-token',
      fallbacks: [other],
      retries: false,
    },
    ...{ arms: [], answerTokens: 50 },
  }
  let settled = 0
  const learner = createTextLearner()
  const { end, log } = conductWriting({
    ...{ plan, state, promptTokens: 10, places: [place(edge), place(cloud)], learner },
    start: (ref, from, events, { signal }) =>
      new Promise<RunEnd>((resolve, reject) => {
        events.ready()
        const endWith = async (value: RunEnd = { reason: 'stop' }) => {
          resolve(value)
          await tick()
        }
        const failWith = async (error: Error) => {
          reject(error)
          await tick()
        }
        runs.push({ ref, from, events, signal, end: endWith, fail: failWith })
      }),
    readAhead: changes.readAhead ?? (async () => {}),
    receivers: (writer) => [
      {
        ref: writer.arm === 'edge' ? cloud : edge,
        receiver: { firstTokenMs: 500, tokenMs: 10, canPrepare: changes.readAhead !== undefined },
        isRestart: false,
        isSetAside: false,
      },
    ],
    forecast: () => ({ firstToken: logNormal(100, 0.1), token: logNormal(10, 0.1), isMeasured: true }),
    router: {
      observe: (_, run) => void ended.push(run),
      settle: () => {
        settled += 1
      },
    },
    staysHere: changes.staysHere === true,
    isOnline: () => true,
    savesPower: changes.savesPower ?? (() => false),
    onChange: () => () => {},
    onPart: (part) => parts.push(part),
    signal: new AbortController().signal,
    nowMs: clock.nowMs,
    timers: clock.timers,
  })
  end.catch(() => {})
  await tick()
  const run = (index: number): HeldRun => {
    const found = runs[index]
    if (found === undefined) throw new Error(`there are ${runs.length} runs`)
    return found
  }
  const write = (index: number, text: string, tokens = 1) =>
    run(index).events.text({ text, held: '', tokens, ids: Array.from({ length: tokens }, () => 1) })
  const moves = () => parts.filter(({ type }) => type === 'moved')
  return { runs, run, write, parts, moves, state, log, end, clock, ended, learner, settled: () => settled }
}
const gone = () => new CloudError('cloud-unreachable', 'The connection was cut.')

it('what a model has thought is no part of the answer: the other arm begins anew', async () => {
  const { run, write, moves, state, end, log } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  run(0).events.aside('reasoning', 5)
  await run(0).fail(gone())
  await tick()
  expect(run(1).ref).toEqual(edge)
  expect(run(1).from).toMatchObject({ text: '', tokens: 0 })
  run(1).events.begun({ ids: [] })
  write(1, 'Yes.')
  await run(1).end()
  await end
  expect(state.text).toBe('Yes.')
  expect(moves()).toEqual([])
  expect(log.reason).toBe('cloud-failed')
})

it('a call that was not complete is asked for once more, after the text before it', async () => {
  const { run, write, moves, end, state } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  write(0, 'Let me see. ')
  run(0).events.aside('tool-call', 1)
  await run(0).fail(gone())
  await tick()
  expect(run(1).from).toMatchObject({ text: 'Let me see. ', tokens: 1 })
  run(1).events.begun({ ids: [1] })
  const calls = [{ name: 'look_up', arguments: {} }]
  await run(1).end({ reason: 'tool-calls', toolCalls: calls, writtenTokens: 8 })
  expect(await end).toMatchObject({ reason: 'tool-calls', toolCalls: calls })
  expect(state.tokens).toBe(9)
  expect(moves()).toHaveLength(1)
})

it('a low battery: the answer moves once a reader has enough to read, and what was not shown is wasted', async () => {
  let savesPower = false
  const { run, runs, write, moves, state, end, log, ended } = await conduct(edge, { savesPower: () => savesPower })
  run(0).events.begun({ ids: [] })
  write(0, 'a')
  savesPower = true
  write(0, 'b')
  // Two tokens ahead of a reader do not cover half a second.
  expect(runs).toHaveLength(1)
  write(0, 'cdef', 4)
  await tick()
  expect(run(1).ref).toEqual(cloud)
  expect(run(1).from.text).toBe('abcdef')
  write(0, 'XY', 2)
  expect(state.text).toBe('abcdef')
  run(1).events.begun({ ids: [1] })
  write(1, 'g')
  expect(run(0).signal.aborted).toBe(true)
  await run(1).end()
  await end
  expect(state.text).toBe('abcdefg')
  expect(moves()).toMatchObject([{ from: 'edge', to: 'cloud', reason: 'battery', atToken: 6 }])
  expect(log.wastedTokens).toBe(2)
  // Nobody was at fault.
  expect(ended.map(({ arm, result }) => [arm, result])).toEqual([
    ['edge', 'answered'],
    ['cloud', 'answered'],
  ])
})

it('a device that has grown hot, and takes three times as long for a token as predicted, is left', async () => {
  const { run, runs, write, moves, end, clock } = await conduct(edge)
  run(0).events.begun({ ids: [] })
  write(0, 'a')
  // Slower than it was, but not hot.
  for (let token = 0; token < 40; token += 1) {
    clock.pass(15)
    write(0, 'b')
  }
  expect(runs).toHaveLength(1)
  for (let token = 0; token < 80 && runs.length === 1; token += 1) {
    clock.pass(30)
    write(0, 'c')
    await tick()
  }
  run(1).events.begun({ ids: [1] })
  write(1, 'd')
  await run(1).end()
  await end
  expect(moves()).toMatchObject([{ from: 'edge', to: 'cloud', reason: 'heat' }])
})

it('where the whole is wanted, the answer moves to an arm that would be done much sooner', async () => {
  const { run, runs, write, moves, end, clock } = await conduct(cloud, { objective: 'whole' })
  run(0).events.begun({ ids: [] })
  write(0, 'a', 10)
  for (let token = 0; token < 20 && runs.length === 1; token += 1) {
    clock.pass(400)
    write(0, 'b')
    await tick()
  }
  expect(run(1).ref).toEqual(edge)
  run(1).events.begun({ ids: [1] })
  write(1, 'c')
  await run(1).end()
  await end
  expect(moves()).toMatchObject([{ from: 'cloud', to: 'edge', reason: 'faster' }])
})

it('the first token of an answer that begins with a call or with thoughts is what comes first', async () => {
  for (const kind of ['tool-call', 'reasoning'] as const) {
    const { run, end, clock, learner } = await conduct(cloud)
    run(0).events.begun({ ids: [] })
    clock.pass(300)
    run(0).events.aside(kind, 1)
    for (let piece = 0; piece < 20; piece += 1) {
      clock.pass(1_000)
      run(0).events.aside(kind, 1)
    }
    await run(0).end({ reason: 'tool-calls', toolCalls: [], writtenTokens: 21 })
    await end
    const place = { arm: 'cloud', model: 'm', endpoint: 'c' } as const
    const { firstToken, token } = learner.forecast(place, { promptTokens: 10, answerTokens: 50 })
    expect(Math.exp(firstToken.mu)).toBeLessThan(700)
    expect(Math.exp(token.mu)).toBeGreaterThan(300)
  }
})

it('the arm that a text was to move to fails: the one that works goes on, and nothing is lost', async () => {
  let savesPower = false
  const { run, runs, write, moves, state, end, settled } = await conduct(edge, { savesPower: () => savesPower })
  run(0).events.begun({ ids: [] })
  savesPower = true
  write(0, 'abcdef', 6)
  await tick()
  write(0, 'gh', 2)
  await run(1).fail(gone())
  expect(state.text).toBe('abcdefgh')
  write(0, 'i')
  await run(0).end()
  await end
  expect(state.text).toBe('abcdefghi')
  expect(moves()).toEqual([])
  // It is not tried again and again.
  expect(runs).toHaveLength(2)
  expect(settled()).toBe(1)
})

it('who was to take over from a silent arm is heard no more once that one speaks', async () => {
  const { run, write, moves, state, end, clock } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  write(0, 'ab', 2)
  clock.pass(60_000)
  await tick()
  expect(run(1).from.text).toBe('ab')
  run(1).events.begun({ ids: [1, 1] })
  write(0, 'c')
  expect(run(1).signal.aborted).toBe(true)
  // It knows nothing of the third letter.
  write(1, 'c')
  write(0, 'd')
  await run(0).end()
  await end
  expect(state.text).toBe('abcd')
  expect(moves()).toEqual([])
})

it('what was read ahead in vain is stopped, and counted', async () => {
  const readings: { readonly signal: AbortSignal; readonly read: (tokens: number) => void }[] = []
  const { run, write, log, end, clock } = await conduct(cloud, {
    readAhead: (_, read, signal) =>
      new Promise((_resolve, reject) => {
        readings.push({ signal, read })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  run(0).events.begun({ ids: [] })
  write(0, 'ab', 2)
  for (let at = 0; at < 100 && readings.length === 0; at += 1) clock.pass(50)
  readings[0]?.read(7)
  expect(readings[0]?.signal.aborted).toBe(false)
  write(0, 'c')
  expect(readings[0]?.signal.aborted).toBe(true)
  expect(log.wastedTokens).toBe(7)
  await run(0).end()
  await end
})

it('who prefers this device is not moved away from it while it works', async () => {
  const { run, runs, write, state, end } = await conduct(edge, { savesPower: () => true, staysHere: true })
  run(0).events.begun({ ids: [] })
  write(0, 'abcdef', 6)
  await tick()
  await run(0).end()
  await end
  expect([runs.length, state.text]).toEqual([1, 'abcdef'])
})

it('what no arm can answer is not asked of the other one', async () => {
  const { run, runs, end } = await conduct(cloud)
  const refused = new CloudError('cloud-refused', 'Its filter ended the answer.', { context: { filter: true } })
  await run(0).fail(refused)
  await expect(end).rejects.toBe(refused)
  expect(runs).toHaveLength(1)
})

it('every arm has failed: the error names each', async () => {
  const { run, end } = await conduct(cloud)
  await run(0).fail(new CloudError('cloud-bad-response', 'Nonsense.'))
  await tick()
  await run(1).fail(new EdgeError('edge-run-failed', 'The run failed.'))
  await expect(end).rejects.toMatchObject({
    code: 'no-arm',
    attempts: [{ code: 'cloud-bad-response' }, { code: 'edge-run-failed' }],
  })
})

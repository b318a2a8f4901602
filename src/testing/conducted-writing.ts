import { type AnswerState, noAnswer } from '../client/generate/answer/answer-state.ts'
import type { TextArmPlace } from '../client/generate/routing/text-places.ts'
import type { ConductOptions } from '../client/generate/running/conduct-types.ts'
import { conductWriting } from '../client/generate/running/conduct-writing.ts'
import type { RunEnd, RunEvents } from '../client/generate/running/run-types.ts'
import type { WritingPart } from '../client/types/generate-types.ts'
import type { ArmRef } from '../routing/router-types.ts'
import { createTextLearner } from '../routing/text/learning/text-learner.ts'
import type { TextPlan, TextRunEnd } from '../routing/text/text-types.ts'
import { logNormal } from '../utils/log-normal.ts'
import { createHandClock } from './text-writer-fixture.ts'

export const cloud = { arm: 'cloud', endpoint: 'c' } as const
export const edge = { arm: 'edge' } as const
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
export const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Has an answer conducted whose runs do what a test says, on a clock that it turns. */
export async function conduct(
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

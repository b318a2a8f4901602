import { createTextRouter } from '../../src/routing/text/deciding/create-text-router.ts'
import { createTextLearner } from '../../src/routing/text/learning/text-learner.ts'
import type { TextPlan, TextSnapshot } from '../../src/routing/text/text-types.ts'
import type { ArmName, TextPolicy } from './policy.ts'
import { maxTokens, type TextSession, writeMs } from './world.ts'

const model = 'writer'
const endpoint = 'https://endpoint.example'
export const edgePlace = { arm: 'edge', model, backend: 'wasm' } as const
export const cloudPlace = { arm: 'cloud', model, endpoint } as const
export const placeOf = (arm: ArmName) => (arm === 'edge' ? edgePlace : cloudPlace)
export const refOf = (arm: ArmName) => (arm === 'edge' ? { arm } : { arm, endpoint })
/** Arrivals of each answer that teach the rates, where answers are not played token by token. */
const arrivalsTaught = 16

export type TextSettings = NonNullable<Parameters<typeof createTextRouter>[0]>['settings']

/** The shipping router with the shipping learner, put together as the client does. */
export function createHither(session: TextSession, settings: TextSettings = {}) {
  let nowMs = 0
  const now = () => nowMs
  const learner = createTextLearner({ now })
  const router = createTextRouter({ now, settings })
  // The warm-up after each load reads and writes a few tokens.
  learner.assumeEdge(edgePlace, { promptTokenMs: 100 / session.device, tokenMs: 1_000 / session.device })
  const plans = new Map<number, TextPlan>()

  const snapshotOf = (i: number): TextSnapshot => {
    const promptTokens = session.promptTokens[i] ?? 0
    const { mean: answerTokens } = learner.answerTokens(model, maxTokens)
    return {
      model,
      privacy: 'any',
      online: true,
      saveData: false,
      promptTokens,
      maxTokens,
      answerTokens,
      mayMove: true,
      edge: { status: 'ready', forecast: learner.forecast(edgePlace, { promptTokens, answerTokens }) },
      clouds: [{ endpoint, hasModel: true, forecast: learner.forecast(cloudPlace, { promptTokens, answerTokens }) }],
    }
  }
  return {
    learner,
    router,
    plans,
    snapshotOf,
    at(ms: number) {
      nowMs = ms
    },
    decide(i: number, atMs: number) {
      nowMs = atMs
      const plan = router.decide(snapshotOf(i))
      if (plan.arm === undefined) throw new Error(plan.reason)
      plans.set(i, plan)
      return {
        first: plan.arm,
        afterMs: plan.second?.afterMs ?? Number.POSITIVE_INFINITY,
        fallsBack: true,
        retries: plan.retries,
      }
    },
    /** What the runs until the first token teach. The one that answered has not ended yet. */
    learnFirst(i: number, atMs: number, runs: Parameters<NonNullable<TextPolicy['begun']>>[2]) {
      nowMs = atMs
      const plan = plans.get(i)
      const promptTokens = session.promptTokens[i] ?? 0
      for (const { arm, result, ms, tokens } of runs) {
        const run = { ms, promptTokens, uncachedTokens: promptTokens }
        if (result === 'answered') learner.observeFirstToken(placeOf(arm), run)
        if (result === 'lost') learner.observeFirstTokenAtLeast(placeOf(arm), run)
        if (plan !== undefined && result !== 'answered') router.observe(plan, { ...refOf(arm), result, tokens })
      }
    },
  }
}

/** Hither as a policy of first tokens. */
export const makeHither =
  (settings: TextSettings = {}) =>
  (session: TextSession): TextPolicy => {
    const hither = createHither(session, settings)
    const { learner, router, plans } = hither
    return {
      decide: hither.decide,
      begun(i, nowMs, runs) {
        hither.learnFirst(i, nowMs, runs)
        const plan = plans.get(i)
        const answered = runs.find(({ result }) => result === 'answered')
        if (plan === undefined || answered === undefined) return
        const tokens = session.answerTokens[i] ?? 0
        const promptTokens = session.promptTokens[i] ?? 0
        for (let k = 0; k < Math.min(arrivalsTaught, tokens); k += 1) {
          const contextTokens = promptTokens + k
          const ms = answered.arm === 'edge' ? writeMs(session, i, contextTokens) : session.endpoint.tokenMs
          learner.observeTokens(placeOf(answered.arm), { ms, tokens: 1, contextTokens })
        }
        learner.observeAnswer(model, { tokens, isCut: tokens >= maxTokens })
        router.observe(plan, { ...refOf(answered.arm), result: 'answered', tokens: promptTokens + tokens })
        router.settle(plan)
        plans.delete(i)
      },
    }
  }

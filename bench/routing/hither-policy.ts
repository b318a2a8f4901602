import { createLink } from '../../src/network/link.ts'
import { createOverdueRequests } from '../../src/network/overdue-requests.ts'
import { createRouter } from '../../src/routing/deciding/create-router.ts'
import { createRouteLearner } from '../../src/routing/learning/route-learner.ts'
import type { RouteDecision, RoutePlan, RouterSnapshot } from '../../src/routing/router-types.ts'
import { meanOf } from '../../src/utils/log-normal.ts'
import { type PolicyMaker, probeBytes } from './policy.ts'
import { answerBytes } from './session.ts'

const model = 'model'
const endpoint = 'endpoint'

/** Where the time of decisions is collected, in microseconds; empty: not measured. */
export const decisionTimes = { us: new Float64Array(0), count: 0 }

/** The shipping router with the shipping estimators, put together as the client does. */
export const makeHither =
  (settings: Parameters<typeof createRouter>[0] = {}): PolicyMaker =>
  (session, random) => {
    let nowMs = 0
    const now = () => nowMs
    const link = createLink({ now })
    const overdue = createOverdueRequests(link, now)
    const learner = createRouteLearner({ now })
    const router = createRouter({ random, now, ...settings })
    // A warm-up run on the model after its load, as every client has it.
    learner.assumeEdge(model, 'wasm', { mu: Math.log(session.deviceMs), variance: 0.1 })
    const plans = new Map<number, RoutePlan>()
    const silent = new Map<number, () => void>()
    /** Second runs in the cloud that have not begun. */
    const later = new Map<number, { readonly atMs: number; readonly slowAfterMs: number }>()
    const isEnded = (index: number) => {
      later.delete(index)
      silent.get(index)?.()
      silent.delete(index)
    }
    const requestBytes = session.payloadBytes
    let linkAtMs = Number.NEGATIVE_INFINITY

    const decide = (snapshot: RouterSnapshot): RouteDecision => {
      if (decisionTimes.count < decisionTimes.us.length) {
        // The quickest of three looks at the same decision: what else the machine does meanwhile is not the router's.
        let quickest = Number.POSITIVE_INFINITY
        for (let look = 0; look < 3; look += 1) {
          const before = performance.now()
          router.peek(snapshot)
          quickest = Math.min(quickest, performance.now() - before)
        }
        decisionTimes.us[decisionTimes.count] = quickest * 1000
        decisionTimes.count += 1
      }
      return router.decide(snapshot)
    }
    const endOf = (index: number, arm: 'edge' | 'cloud', result: 'answered' | 'failed' | 'lost', ms: number) => {
      const plan = plans.get(index)
      if (plan !== undefined) router.observe(plan, { arm, ...(arm === 'cloud' ? { endpoint } : {}), result, ms })
    }

    return {
      decide(choice) {
        for (const [index, { atMs, slowAfterMs }] of later) {
          if (atMs > choice.nowMs) continue
          nowMs = atMs
          later.delete(index)
          silent.set(index, overdue.sent({ requestBytes, slowAfterMs }))
        }
        nowMs = choice.nowMs
        overdue.teachLink()
        const run = learner.edgeTime({ model, backend: 'wasm' })
        const waitMs =
          choice.edgeWaiting === 0
            ? 0
            : choice.edgeWaiting * meanOf(run) - Math.min(choice.edgeElapsedMs, 0.9 * meanOf(run))
        const estimate = link.estimate()
        const preparation = choice.edgeReady
          ? undefined
          : {
              remainingBytes: (choice.edgeReadyInMs / 8000) * Math.exp(estimate.downlink.mu),
              downlink: estimate.downlink,
            }
        const plan = decide({
          model,
          privacy: 'any',
          online: true,
          saveData: false,
          edge: {
            status: choice.edgeReady ? 'ready' : 'downloading',
            time: learner.edgeTime({ model, backend: 'wasm', waitMs, preparation }),
            busyMs: meanOf(run),
            waitMs,
            ...learner.edgeUsual(model, 'wasm'),
          },
          clouds: [
            {
              endpoint,
              hasModel: true,
              time: learner.cloudTime({ model, requestBytes, link: estimate }),
              ageMs: nowMs - linkAtMs,
            },
          ],
        })
        if (plan.arm === undefined) throw new Error(plan.reason)
        plans.set(choice.index, plan)
        choice.cloudFirst = plan.arm === 'cloud'
        if (plan.second !== undefined) choice.secondAfterMs = plan.second.afterMs
        const slowAfterMs = plan.predicted.cloud?.p90Ms ?? Number.POSITIVE_INFINITY
        if (choice.cloudFirst) silent.set(choice.index, overdue.sent({ requestBytes, slowAfterMs }))
        else if (plan.second?.arm === 'cloud')
          later.set(choice.index, { atMs: nowMs + plan.second.afterMs, slowAfterMs })
        choice.probe = plan.probe !== undefined
        choice.p90Ms = plan.predicted[plan.arm]?.p90Ms ?? Number.NaN
      },
      edgeEnded(index, atMs, runMs, sinceStartMs, used) {
        if (!used) return
        nowMs = atMs
        learner.observeEdge(model, 'wasm', runMs)
        endOf(index, 'edge', 'answered', sinceStartMs)
      },
      edgeLost(index, atMs, sinceStartMs, beganAtOnce) {
        nowMs = atMs
        if (beganAtOnce) learner.observeEdgeAtLeast(model, 'wasm', sinceStartMs)
        endOf(index, 'edge', 'lost', sinceStartMs)
      },
      cloudAnswered(index, atMs, totalMs, serverMs) {
        nowMs = atMs
        isEnded(index)
        const split = link.observeRequest({ requestBytes, responseBytes: answerBytes, totalMs, serverMs })
        if (split !== undefined) learner.observeCloud(model, { serverMs: split.serverMs, responseBytes: answerBytes })
        linkAtMs = atMs
        endOf(index, 'cloud', 'answered', totalMs)
      },
      cloudFailed(index, atMs, totalMs) {
        nowMs = atMs
        isEnded(index)
        endOf(index, 'cloud', 'failed', totalMs)
      },
      cloudLost(index, atMs, elapsedMs) {
        nowMs = atMs
        link.observeAtLeast({ requestBytes, elapsedMs })
        linkAtMs = atMs
        endOf(index, 'cloud', 'lost', elapsedMs)
      },
      probed(atMs, totalMs) {
        nowMs = atMs
        link.observeRequest({ requestBytes: probeBytes, responseBytes: 0, totalMs, serverMs: 0 })
        linkAtMs = atMs
      },
      ended(index, atMs) {
        nowMs = atMs
        isEnded(index)
        const plan = plans.get(index)
        if (plan !== undefined) router.settle(plan)
        plans.delete(index)
      },
    }
  }

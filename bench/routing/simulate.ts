import type { Choice, Policy } from './policy.ts'
import { probeBytes } from './policy.ts'
import { cloudMs, probeMs, type Session } from './session.ts'

/** What came of a session's requests. */
export interface Outcome {
  readonly latencyMs: Float64Array
  /** 1 where the request was sent to the cloud, whoever answered. */
  readonly toCloud: Uint8Array
  readonly cloudAnswered: Uint8Array
  readonly wastedEdge: Uint8Array
  readonly wastedCloud: Uint8Array
  readonly firstCloud: Uint8Array
  /** Whether the first run's own time lay within its predicted 90th percentile: 1 or 0; 2: no prediction. */
  readonly covered: Uint8Array
  probes: number
}

const [arrival, secondStarts, edgeEnds, cloudEnds, probeEnds] = [0, 1, 2, 3, 4]

/** Events in the order of their time; equal times in the order they were added. */
function createAgenda() {
  const times: number[] = []
  const kinds: number[] = []
  const requests: number[] = []
  const order: number[] = []
  let added = 0
  const before = (a: number, b: number) =>
    (times[a] ?? 0) < (times[b] ?? 0) || (times[a] === times[b] && (order[a] ?? 0) < (order[b] ?? 0))
  const swap = (a: number, b: number) => {
    for (const list of [times, kinds, requests, order]) {
      const held = list[a] ?? 0
      list[a] = list[b] ?? 0
      list[b] = held
    }
  }
  return {
    time: 0,
    kind: 0,
    request: 0,
    add(time: number, kind: number, request: number) {
      let at = times.length
      times.push(time)
      kinds.push(kind)
      requests.push(request)
      order.push(added)
      added += 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(at, parent)) break
        swap(at, parent)
        at = parent
      }
    },
    next(): boolean {
      if (times.length === 0) return false
      this.time = times[0] ?? 0
      this.kind = kinds[0] ?? 0
      this.request = requests[0] ?? 0
      const last = times.length - 1
      swap(0, last)
      times.pop()
      kinds.pop()
      requests.pop()
      order.pop()
      let at = 0
      for (;;) {
        const left = 2 * at + 1
        if (left >= last) break
        const child = left + 1 < last && before(left + 1, left) ? left + 1 : left
        if (!before(child, at)) break
        swap(at, child)
        at = child
      }
      return true
    },
  }
}

/**
 * Runs one session under a policy, event by event. The device has one worker, first come first served; a run that has
 * begun can't be stopped, and one whose answer is no longer wanted still holds the worker. Requests do not share the
 * link: what each would take in the cloud was drawn beforehand.
 */
export function simulate(session: Session, policy: Policy): Outcome {
  const { count, arrivalMs, edgeMs } = session
  const outcome: Outcome = {
    latencyMs: new Float64Array(count),
    toCloud: new Uint8Array(count),
    cloudAnswered: new Uint8Array(count),
    wastedEdge: new Uint8Array(count),
    wastedCloud: new Uint8Array(count),
    firstCloud: new Uint8Array(count),
    covered: new Uint8Array(count).fill(2),
    probes: 0,
  }
  const answered = new Uint8Array(count)
  const edgeState = new Uint8Array(count) // 0 not asked, 1 under way, 2 ended
  const edgeWaited = new Uint8Array(count)
  const edgeAskedMs = new Float64Array(count)
  const cloudState = new Uint8Array(count) // 0 not asked, 1 under way, 2 ended
  const cloudSentMs = new Float64Array(count)
  const cloudTakesMs = new Float64Array(count)
  const p90 = new Float64Array(count)
  const agenda = createAgenda()
  const queue: number[] = []
  let running = -1
  let runningSinceMs = 0
  const readyAtMs = (session.stress.edgeReadyAtS ?? 0) * 1000
  const choice: Choice = {
    nowMs: 0,
    index: 0,
    edgeWaiting: 0,
    edgeElapsedMs: 0,
    edgeReady: true,
    edgeReadyInMs: 0,
    cloudFirst: false,
    secondAfterMs: 0,
    probe: false,
    p90Ms: 0,
  }
  let probeSentMs = 0

  const startEdge = (nowMs: number) => {
    while (running < 0) {
      const next = queue.shift()
      if (next === undefined) return
      if (answered[next] === 1) continue
      running = next
      runningSinceMs = Math.max(nowMs, readyAtMs)
      agenda.add(runningSinceMs + (edgeMs[next] ?? 0), edgeEnds, next)
    }
  }
  const askEdge = (i: number, nowMs: number) => {
    if (edgeState[i] !== 0) return
    edgeState[i] = 1
    edgeAskedMs[i] = nowMs
    edgeWaited[i] = running >= 0 || queue.length > 0 ? 1 : 0
    queue.push(i)
    startEdge(nowMs)
  }
  const askCloud = (i: number, nowMs: number) => {
    if (cloudState[i] !== 0) return
    cloudState[i] = 1
    outcome.toCloud[i] = 1
    cloudSentMs[i] = nowMs
    const takes = cloudMs(session, i, nowMs)
    cloudTakesMs[i] = takes
    agenda.add(nowMs + Math.abs(takes), cloudEnds, i)
  }
  /** The request has its answer: what is under way on the device goes on to its end, unheard. */
  const answer = (i: number, nowMs: number, byCloud: boolean) => {
    answered[i] = 1
    outcome.latencyMs[i] = nowMs - (arrivalMs[i] ?? 0)
    outcome.cloudAnswered[i] = byCloud ? 1 : 0
    if (byCloud && edgeState[i] === 1) {
      policy.edgeLost?.(i, nowMs, nowMs - (edgeAskedMs[i] ?? 0), running === i && edgeWaited[i] === 0)
    }
  }
  const cover = (i: number, tookMs: number) => {
    const predicted = p90[i] ?? Number.NaN
    outcome.covered[i] = Number.isNaN(predicted) ? 2 : tookMs <= predicted ? 1 : 0
  }

  for (let i = 0; i < count; i += 1) agenda.add(arrivalMs[i] ?? 0, arrival, i)
  while (agenda.next()) {
    const { time: nowMs, kind, request: i } = agenda
    if (kind === arrival) {
      choice.nowMs = nowMs
      choice.index = i
      choice.edgeWaiting = 0
      for (const waiting of queue) if (answered[waiting] === 0) choice.edgeWaiting += 1
      choice.edgeWaiting += running >= 0 ? 1 : 0
      choice.edgeElapsedMs = running >= 0 ? Math.max(0, nowMs - runningSinceMs) : 0
      choice.edgeReadyInMs = Math.max(0, readyAtMs - nowMs)
      choice.edgeReady = choice.edgeReadyInMs === 0
      choice.secondAfterMs = Number.POSITIVE_INFINITY
      choice.probe = false
      choice.p90Ms = Number.NaN
      policy.decide(choice)
      p90[i] = choice.p90Ms
      const { cloudFirst, secondAfterMs, probe } = choice
      outcome.firstCloud[i] = cloudFirst ? 1 : 0
      if (cloudFirst) askCloud(i, nowMs)
      else askEdge(i, nowMs)
      if (cloudFirst) cover(i, Math.abs(cloudTakesMs[i] ?? 0))
      if (secondAfterMs < Number.POSITIVE_INFINITY) agenda.add(nowMs + secondAfterMs, secondStarts, i)
      if (probe) {
        outcome.probes += 1
        probeSentMs = nowMs
        agenda.add(nowMs + probeMs(session, nowMs, probeBytes), probeEnds, i)
      }
    } else if (kind === secondStarts) {
      if (answered[i] === 1) continue
      if (outcome.firstCloud[i] === 1) askEdge(i, nowMs)
      else askCloud(i, nowMs)
    } else if (kind === edgeEnds) {
      running = -1
      edgeState[i] = 2
      const used = answered[i] === 0
      if (outcome.firstCloud[i] === 0) cover(i, nowMs - (edgeAskedMs[i] ?? 0))
      if (used) answer(i, nowMs, false)
      else outcome.wastedEdge[i] = 1
      policy.edgeEnded?.(i, nowMs, edgeMs[i] ?? 0, nowMs - (edgeAskedMs[i] ?? 0), used)
      if (used && cloudState[i] === 1) {
        cloudState[i] = 2
        outcome.wastedCloud[i] = 1
        policy.cloudLost?.(i, nowMs, nowMs - (cloudSentMs[i] ?? 0))
      }
      if (used) policy.ended?.(i, nowMs)
      startEdge(nowMs)
    } else if (kind === cloudEnds) {
      if (cloudState[i] !== 1) continue
      cloudState[i] = 2
      const takes = cloudTakesMs[i] ?? 0
      if (takes < 0) {
        policy.cloudFailed?.(i, nowMs, -takes)
        askEdge(i, nowMs)
      } else {
        answer(i, nowMs, true)
        policy.cloudAnswered?.(i, nowMs, takes, (session.serverMs[i] ?? 0) + (session.stallMs[i] ?? 0))
        policy.ended?.(i, nowMs)
      }
    } else {
      policy.probed?.(nowMs, nowMs - probeSentMs)
    }
  }
  return outcome
}

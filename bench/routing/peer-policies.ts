import { createLink } from '../../src/network/link.ts'
import { createRouteLearner } from '../../src/routing/learning/route-learner.ts'
import { meanOf } from '../../src/utils/log-normal.ts'
import { drawNormal } from '../../src/utils/seeded-random.ts'
import type { Choice, PolicyMaker } from './policy.ts'
import { answerBytes, cloudMs } from './session.ts'

const startMs = (choice: Choice, runMs: number) =>
  choice.edgeReadyInMs + choice.edgeWaiting * runMs - Math.min(choice.edgeElapsedMs, 0.9 * runMs) + runMs

/** What every greedy peer knows of the device: an average of its runs. */
function edgeAverage(firstMs: number) {
  let ms = firstMs
  return {
    observe(runMs: number) {
      ms += 0.25 * (runMs - ms)
    },
    predict: (choice: Choice) => (choice.edgeWaiting === 0 ? choice.edgeReadyInMs + ms : startMs(choice, ms)),
  }
}

export const edgeOnly: PolicyMaker = () => ({
  decide(choice) {
    choice.cloudFirst = false
  },
})

export const cloudOnly: PolicyMaker = () => ({
  decide(choice) {
    choice.cloudFirst = true
  },
})

/** The device whenever it has the model, the cloud otherwise or after a failure: what Firebase AI Logic's PREFER_ON_DEVICE does. */
export const preferEdge: PolicyMaker = () => ({
  decide(choice) {
    choice.cloudFirst = !choice.edgeReady
  },
})

/** Rules on presence: a device with WebGPU runs it, another asks the cloud when onLine says that it can. All but the slowest class have WebGPU. */
export const presence: PolicyMaker = ({ deviceMs }) => ({
  decide(choice) {
    choice.cloudFirst = deviceMs >= 1000 || !choice.edgeReady
  },
})

/** Tries each arm once, and keeps to the faster one. */
export const decideOnce: PolicyMaker = () => {
  let edge = Number.NaN
  let cloud = Number.NaN
  return {
    decide(choice) {
      if (Number.isNaN(edge) || Number.isNaN(cloud)) choice.secondAfterMs = 0
      choice.cloudFirst = cloud < edge
    },
    edgeEnded(_index, _nowMs, runMs) {
      if (Number.isNaN(edge)) edge = runMs
    },
    cloudAnswered(_index, _nowMs, totalMs) {
      if (Number.isNaN(cloud)) cloud = totalMs
    },
    cloudLost(_index, _nowMs, elapsedMs) {
      if (Number.isNaN(cloud)) cloud = elapsedMs + 1
    },
  }
}

/** Neurosurgeon (Kang et al. 2017): regressions of both sides and the bandwidth as last seen, taken at their word. */
export const pointEstimate: PolicyMaker = ({ deviceMs, payloadBytes }) => {
  let bitsPerMs = 5_000
  const edge = edgeAverage(deviceMs)
  return {
    decide(choice) {
      choice.cloudFirst = 80 + 15 + (payloadBytes * 8) / bitsPerMs < edge.predict(choice)
    },
    edgeEnded(_index, _nowMs, runMs) {
      edge.observe(runMs)
    },
    cloudAnswered(_index, _nowMs, totalMs, serverMs) {
      bitsPerMs = (payloadBytes * 8) / Math.max(1, totalMs - serverMs - 80)
    },
  }
}

/** As video players do it (Shaka Player): the smaller of two averages weighted by transfer time, half-lives 2 and 5 s. */
export const abrGreedy: PolicyMaker = ({ deviceMs, payloadBytes }) => {
  const averages = [
    { halfLifeS: 2, sum: 0, weight: 0 },
    { halfLifeS: 5, sum: 0, weight: 0 },
  ]
  let otherMs = 95
  const edge = edgeAverage(deviceMs)
  return {
    decide(choice) {
      const rates = averages.map(({ sum, weight }) => (weight > 0 ? sum / weight : 5_000))
      choice.cloudFirst = otherMs + (payloadBytes * 8) / Math.min(...rates) < edge.predict(choice)
    },
    edgeEnded(_index, _nowMs, runMs) {
      edge.observe(runMs)
    },
    cloudAnswered(_index, _nowMs, totalMs, serverMs) {
      const transferMs = Math.max(1, totalMs - serverMs - 60)
      otherMs += 0.3 * (totalMs - transferMs - otherMs)
      for (const average of averages) {
        const kept = 0.5 ** (transferMs / 1000 / average.halfLifeS)
        average.sum = kept * average.sum + (1 - kept) * ((payloadBytes * 8) / transferMs)
        average.weight = kept * average.weight + (1 - kept)
      }
    },
  }
}

/**
 * LinUCB on the cloud's time with forced samples (Zhang et al. 2021, "Autodidactic Neurosurgeon"): features 1, the
 * last time seen and its age; the device's own time is known.
 */
export const linUcb: PolicyMaker = ({ deviceMs }) => {
  // Ridge regression in three dimensions: the inverse is kept up to date by Sherman and Morrison's formula.
  const inverse = [1, 0, 0, 0, 1, 0, 0, 0, 1]
  const sums = [0, 0, 0]
  const edge = edgeAverage(deviceMs)
  const sent = new Map<number, readonly number[]>()
  let lastLog = Math.log(300)
  let lastAtMs = 0
  let requests = 0
  const at = (row: number, column: number) => inverse[3 * row + column] ?? 0
  const times = (x: readonly number[]) =>
    [0, 1, 2].map((row) => x.reduce((sum, value, c) => sum + at(row, c) * value, 0))
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
  const learn = (index: number, nowMs: number, ms: number) => {
    const x = sent.get(index)
    sent.delete(index)
    if (x !== undefined) {
      const product = times(x)
      const scale = 1 + dot(x, product)
      for (let r = 0; r < 3; r += 1) {
        for (let c = 0; c < 3; c += 1) inverse[3 * r + c] = at(r, c) - ((product[r] ?? 0) * (product[c] ?? 0)) / scale
      }
      for (let r = 0; r < 3; r += 1) sums[r] = (sums[r] ?? 0) + (x[r] ?? 0) * (Math.log(ms) - 5)
    }
    lastLog = Math.log(ms)
    lastAtMs = nowMs
  }
  return {
    decide(choice) {
      const x = [1, lastLog - 5, Math.sqrt(Math.min(120, (choice.nowMs - lastAtMs) / 1000)) / 10]
      const predicted = 5 + dot(times(sums), x)
      const low = predicted - 0.5 * Math.sqrt(dot(x, times(x)))
      requests += 1
      choice.cloudFirst = Math.exp(low) < edge.predict(choice) || requests % 20 === 1
      if (choice.cloudFirst) sent.set(choice.index, x)
    },
    edgeEnded(_index, _nowMs, runMs) {
      edge.observe(runMs)
    },
    cloudAnswered: (index, nowMs, totalMs) => learn(index, nowMs, totalMs),
  }
}

/** Thompson sampling on the shipping estimators, without a second run: exploring is paid for by the user. */
export const thompson: PolicyMaker = ({ deviceMs, payloadBytes }, random) => {
  let nowMs = 0
  const link = createLink({ now: () => nowMs })
  const learner = createRouteLearner({ now: () => nowMs })
  learner.assumeEdge('model', 'wasm', { mu: Math.log(deviceMs), variance: 0.1 })
  return {
    decide(choice) {
      nowMs = choice.nowMs
      const runMs = meanOf(learner.edgeTime({ model: 'model', backend: 'wasm' }))
      const edge = choice.edgeWaiting === 0 ? runMs + choice.edgeReadyInMs : startMs(choice, runMs)
      const cloud = learner.cloudTime({ model: 'model', requestBytes: payloadBytes, link: link.estimate() })
      choice.cloudFirst = Math.exp(cloud.mu + Math.sqrt(cloud.variance) * drawNormal(random)) < edge
    },
    edgeEnded(_index, atMs, runMs) {
      nowMs = atMs
      learner.observeEdge('model', 'wasm', runMs)
    },
    cloudAnswered(_index, atMs, totalMs, serverMs) {
      nowMs = atMs
      link.observeRequest({ requestBytes: payloadBytes, responseBytes: answerBytes, totalMs, serverMs })
      learner.observeCloud('model', { serverMs, responseBytes: answerBytes })
    },
  }
}

/** Knows what either arm would take, waiting included, and takes the faster one. */
export const oracle: PolicyMaker = (session) => {
  let freeAtMs = 0
  return {
    decide(choice) {
      const i = choice.index
      const edgeEndsMs = Math.max(choice.nowMs + choice.edgeReadyInMs, freeAtMs) + (session.edgeMs[i] ?? 0)
      const cloud = cloudMs(session, i, choice.nowMs)
      choice.cloudFirst = cloud >= 0 && choice.nowMs + cloud < edgeEndsMs
      if (!choice.cloudFirst) freeAtMs = edgeEndsMs
    },
  }
}

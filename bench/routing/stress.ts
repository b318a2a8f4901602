import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import { mean, sortedQuantile } from './figures.ts'
import type { PolicyMaker } from './policy.ts'
import { type RawRow, type Recording, toRecording } from './recordings.ts'
import { drawSession, type Stress } from './session.ts'
import { type Outcome, simulate } from './simulate.ts'

/** Something goes wrong at `fromS` of a session of about 360 s, and is over at `untilS`. */
interface StressCase {
  readonly name: string
  readonly deviceMs: number
  readonly fromS: number
  readonly untilS: number
  readonly uplinkMbps: (atS: number) => number
  readonly stress: Stress
}

const [fromS, untilS] = [120, 240]
const steady = () => 20
const during = (atS: number) => atS >= fromS && atS < untilS

const stressCases: readonly StressCase[] = [
  {
    name: 'outage of 30 s',
    deviceMs: 300,
    fromS,
    untilS: 150,
    uplinkMbps: (atS) => (atS >= 120 && atS < 150 ? 0 : 20),
    stress: {},
  },
  {
    name: 'ten-fold drop',
    deviceMs: 300,
    fromS,
    untilS,
    uplinkMbps: (atS) => (during(atS) ? 2 : 20),
    stress: {},
  },
  {
    name: '5xx burst',
    deviceMs: 300,
    fromS,
    untilS: 150,
    uplinkMbps: steady,
    stress: { serverFails: (atS) => atS >= 120 && atS < 150 },
  },
  {
    name: 'thermal throttling',
    deviceMs: 60,
    fromS,
    untilS,
    uplinkMbps: steady,
    stress: { edgeFactor: (atS) => (during(atS) ? 5 : 1) },
  },
  { name: 'cold start', deviceMs: 60, fromS: 0, untilS: 30, uplinkMbps: steady, stress: { edgeReadyAtS: 30 } },
]

export interface StressFigures {
  readonly name: string
  readonly policies: Readonly<
    Record<
      string,
      {
        readonly meanMs: number
        readonly p99Ms: number
        readonly excessOverOracle: number
        /** Requests in the bad time that took over twice what the clairvoyant needed: their mean, and the most of any session. */
        readonly slow: number
        readonly mostSlow: number
        /** Share of the sessions that were back where the clairvoyant is within 10 requests or 60 s after it. */
        readonly backShare: number
        /** How long it took: requests and seconds, nine of ten sessions took no longer. */
        readonly backRequests: number
        readonly backS: number
      }
    >
  >
}

const count = 120

function steadyRecording(uplinkMbps: (atS: number) => number): Recording {
  const rows = Array.from(
    { length: 1201 },
    (_, second): RawRow => ({
      startS: second,
      downlinkMbps: 60,
      uplinkMbps: uplinkMbps(second),
      roundTripMs: 40,
      loss: undefined,
    }),
  )
  return toRecording('steady', 'stress', rows)
}

/** How long it took to be back where the clairvoyant is, after the bad time. */
function comeBack(outcome: Outcome, best: Outcome, arrivalMs: Float64Array, untilMs: number) {
  let requests = 0
  for (let i = 0; i < count; i += 1) {
    const atMs = arrivalMs[i] ?? 0
    if (atMs < untilMs) continue
    // What is about as fast elsewhere is no loss.
    const asGood = (outcome.latencyMs[i] ?? 0) <= 1.2 * (best.latencyMs[i] ?? 0)
    if (outcome.cloudAnswered[i] === best.cloudAnswered[i] || asGood)
      return { requests, seconds: (atMs - untilMs) / 1000 }
    requests += 1
  }
  return { requests, seconds: Number.POSITIVE_INFINITY }
}

/** Each stress case, played by every policy in the same sessions: 100 KB about every 3 s on a steady link. */
export function runStress(
  policies: Readonly<Record<string, PolicyMaker>>,
  seed: number,
  sessions = 40,
): StressFigures[] {
  const oracle = policies.oracle
  if (oracle === undefined) throw new Error('no oracle to compare with')
  return stressCases.map((stressCase) => {
    const recording = steadyRecording(stressCase.uplinkMbps)
    const [from, until] = [stressCase.fromS * 1000, stressCase.untilS * 1000]
    const setting = { payloadKB: 100, gapS: 3, deviceMs: stressCase.deviceMs }
    const drawn = Array.from({ length: sessions }, (_, s) => ({
      ...drawSession(recording, setting, seed * 7919 + s, count, stressCase.stress),
      offsetS: 0,
    }))
    const play = (make: PolicyMaker) =>
      drawn.map((session, s) => simulate(session, make(session, createSeededRandom(seed + s))))
    const best = play(oracle)
    const bestMean = mean(best.map(({ latencyMs }) => mean(latencyMs)))
    const figuresOf = (outcomes: readonly Outcome[]) => {
      const slow = outcomes.map(({ latencyMs }, s) => {
        const { arrivalMs } = drawn[s] ?? { arrivalMs: new Float64Array(0) }
        return latencyMs.filter((ms, i) => {
          const atMs = arrivalMs[i] ?? 0
          return atMs >= from && atMs < until && ms > 2 * (best[s]?.latencyMs[i] ?? 0)
        }).length
      })
      const back = outcomes.map((outcome, s) =>
        comeBack(outcome, best[s] ?? outcome, drawn[s]?.arrivalMs ?? new Float64Array(0), until),
      )
      const all = Float64Array.from(outcomes.flatMap(({ latencyMs }) => [...latencyMs])).sort()
      const meanMs = mean(all)
      return {
        meanMs,
        p99Ms: sortedQuantile(all, 0.99),
        excessOverOracle: meanMs / bestMean - 1,
        slow: mean(slow),
        mostSlow: Math.max(...slow),
        backShare: mean(back.map(({ requests, seconds }) => Number(requests < 10 || seconds <= 60))),
        backRequests: sortedQuantile(Float64Array.from(back, ({ requests }) => requests).sort(), 0.9),
        backS: sortedQuantile(Float64Array.from(back, ({ seconds }) => Math.min(seconds, 1e6)).sort(), 0.9),
      }
    }
    return {
      name: stressCase.name,
      policies: Object.fromEntries(Object.entries(policies).map(([name, make]) => [name, figuresOf(play(make))])),
    }
  })
}

export function printStress(figures: readonly StressFigures[], print: (line: string) => void): void {
  for (const { name, policies } of figures) {
    print(`\n${name}: 100 KB every 3 s`)
    print('  policy             mean     p99  over oracle   slow (most)   back within 10 requests or 60 s; p90')
    for (const [policy, p] of Object.entries(policies)) {
      const after = p.backS < 1e5 ? `${p.backRequests.toFixed(0)} requests, ${p.backS.toFixed(0)} s` : 'never'
      const back = `${(100 * p.backShare).toFixed(0)} %; ${after}`
      print(
        `  ${policy.padEnd(15)} ${p.meanMs.toFixed(0).padStart(7)} ${p.p99Ms.toFixed(0).padStart(7)} ${`${(100 * p.excessOverOracle).toFixed(1)} %`.padStart(12)} ${p.slow.toFixed(1).padStart(6)} (${p.mostSlow})   ${back}`,
      )
    }
  }
}

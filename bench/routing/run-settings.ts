import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import { type Collected, figuresOf, mean, type PolicyFigures, sortedQuantile } from './figures.ts'
import type { PolicyMaker } from './policy.ts'
import type { Recording } from './recordings.ts'
import { drawSession } from './session.ts'
import { simulate } from './simulate.ts'

export const deviceClassesMs = [15, 80, 300, 1000] as const
export const requestsPerSession = 120

export interface Setting {
  readonly payloadKB: number
  readonly gapS: number
}

export interface Cell {
  readonly network: string
  readonly deviceMs: number
  readonly meanOverBestFixed: number
  readonly p99OverBestFixed: number
  readonly meanOverOracle: number
  readonly requests: number
}

export interface SettingFigures extends Setting {
  readonly policies: Readonly<Record<string, PolicyFigures>>
  readonly cells: readonly Cell[]
  readonly coverageP90: number
  readonly coverage: Readonly<Record<'edge' | 'cloud', number>>
  readonly probesPerRequest: number
}

/** Runs every policy on the same sessions: all recordings on all device classes. */
export function runSetting(
  setting: Setting,
  recordings: readonly Recording[],
  policies: Readonly<Record<string, PolicyMaker>>,
  seed: number,
): SettingFigures {
  const sessions = recordings.length * deviceClassesMs.length
  const total = sessions * requestsPerSession
  const collected = new Map<string, Collected>()
  const covered = { edge: [0, 0], cloud: [0, 0] } as Record<'edge' | 'cloud', [number, number]>
  let probes = 0
  for (const name of Object.keys(policies)) {
    collected.set(name, {
      latencyMs: new Float64Array(total),
      toCloud: new Uint8Array(total),
      wastedEdge: new Uint8Array(total),
      wastedCloud: new Uint8Array(total),
      byRecording: new Float64Array(recordings.length),
    })
  }
  recordings.forEach((recording, r) => {
    deviceClassesMs.forEach((deviceMs, d) => {
      const at = (r * deviceClassesMs.length + d) * requestsPerSession
      const sessionSeed = (seed * 1_000_003 + r * 97 + d * 7 + setting.payloadKB * 13 + setting.gapS * 1009) | 0
      const session = drawSession(recording, { ...setting, deviceMs }, sessionSeed, requestsPerSession)
      for (const [name, make] of Object.entries(policies)) {
        const outcome = simulate(session, make(session, createSeededRandom(sessionSeed ^ 0x5bd1e995)))
        const into = collected.get(name)
        if (into === undefined) continue
        into.latencyMs.set(outcome.latencyMs, at)
        into.toCloud.set(outcome.toCloud, at)
        into.wastedEdge.set(outcome.wastedEdge, at)
        into.wastedCloud.set(outcome.wastedCloud, at)
        into.byRecording[r] = (into.byRecording[r] ?? 0) + mean(outcome.latencyMs) * requestsPerSession
        if (name !== 'hither') continue
        probes += outcome.probes
        outcome.covered.forEach((value, i) => {
          if (value === 2) return
          const counts = covered[outcome.firstCloud[i] === 1 ? 'cloud' : 'edge']
          counts[0] += value
          counts[1] += 1
        })
      }
    })
  })
  const oracle = collected.get('oracle')
  if (oracle === undefined) throw new Error('no oracle to compare with')
  const figures = Object.fromEntries([...collected].map(([name, each]) => [name, figuresOf(each, oracle, seed)]))
  return {
    ...setting,
    policies: figures,
    cells: cellsOf(recordings, collected),
    coverageP90: (covered.edge[0] + covered.cloud[0]) / (covered.edge[1] + covered.cloud[1]),
    coverage: { edge: covered.edge[0] / covered.edge[1], cloud: covered.cloud[0] / covered.cloud[1] },
    probesPerRequest: probes / total,
  }
}

function cellsOf(recordings: readonly Recording[], collected: ReadonlyMap<string, Collected>): Cell[] {
  const networks = [...new Set(recordings.map(({ network }) => network))].sort()
  const of = (name: string, network: string, d: number) => {
    const all = collected.get(name)?.latencyMs ?? new Float64Array(0)
    const members = recordings.flatMap((recording, r) => (recording.network === network ? [r] : []))
    const values = new Float64Array(members.length * requestsPerSession)
    members.forEach((r, m) => {
      const at = (r * deviceClassesMs.length + d) * requestsPerSession
      values.set(all.subarray(at, at + requestsPerSession), m * requestsPerSession)
    })
    return { mean: mean(values), p99: sortedQuantile(values.slice().sort(), 0.99), count: values.length }
  }
  return networks.flatMap((network) =>
    deviceClassesMs.map((deviceMs, d): Cell => {
      const [edge, cloud, hither, best] = ['edge only', 'cloud only', 'hither', 'oracle'].map((name) =>
        of(name, network, d),
      ) as [ReturnType<typeof of>, ReturnType<typeof of>, ReturnType<typeof of>, ReturnType<typeof of>]
      return {
        network,
        deviceMs,
        meanOverBestFixed: hither.mean / Math.min(edge.mean, cloud.mean),
        p99OverBestFixed: hither.p99 / Math.min(edge.p99, cloud.p99),
        meanOverOracle: hither.mean / best.mean,
        requests: hither.count,
      }
    }),
  )
}

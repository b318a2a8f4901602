import { decisionTimes, makeHither } from './routing/hither-policy.ts'
import {
  abrGreedy,
  cloudOnly,
  decideOnce,
  edgeOnly,
  linUcb,
  oracle,
  pointEstimate,
  preferEdge,
  presence,
  thompson,
} from './routing/peer-policies.ts'
import type { PolicyMaker } from './routing/policy.ts'
import { isForTuning, loadRecordings, type Recording } from './routing/recordings.ts'
import { runSetting, type Setting, type SettingFigures } from './routing/run-settings.ts'
import { printStress, runStress } from './routing/stress.ts'
import { makeRecordings } from './routing/synthetic.ts'
import type { Bench } from './support/bench.ts'
import { quantile } from './support/quantiles.ts'

const peers: Readonly<Record<string, PolicyMaker>> = {
  'edge only': edgeOnly,
  'cloud only': cloudOnly,
  'prefer edge': preferEdge,
  'presence rules': presence,
  'decide once': decideOnce,
  'point estimate': pointEstimate,
  'ABR greedy': abrGreedy,
  LinUCB: linUcb,
  Thompson: thompson,
}

/** @throws {Error} what was given is no list of payload/gap pairs */
export function parseSettings(text: string): Setting[] {
  return text.split(',').map((pair) => {
    const [payloadKB = Number.NaN, gapS = Number.NaN] = pair.split('/').map(Number)
    if (!(payloadKB > 0 && gapS > 0 && payloadKB < 1e6 && gapS < 1e6)) {
      throw new Error(`--settings takes payload KB/gap s, as in 100/3,600/3: ${pair}`)
    }
    return { payloadKB, gapS }
  })
}

const everySetting = [20, 100, 600].flatMap((payloadKB) => [0.2, 3, 30, 300].map((gapS) => ({ payloadKB, gapS })))

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

function printSetting(figures: SettingFigures, print: (line: string) => void): void {
  print(`\n${figures.payloadKB} KB every ${figures.gapS} s`)
  print('  policy             mean     p50     p95     p99   over oracle [95 %]        cloud  wasted edge, cloud  late')
  for (const [name, p] of Object.entries(figures.policies)) {
    const ms = [p.meanMs, p.p50Ms, p.p95Ms, p.p99Ms].map((value) => value.toFixed(0).padStart(7)).join(' ')
    const [low, high] = p.excessInterval.map(percent)
    const over = `${percent(p.excessOverOracle).padStart(9)} [${low}, ${high}]`
    const shares = [p.cloudShare, p.wastedEdgeShare, p.wastedCloudShare, p.deadlineMissShare].map(percent)
    print(`  ${name.padEnd(15)} ${ms} ${over.padEnd(32)} ${shares.map((share) => share.padStart(7)).join(' ')}`)
  }
  const worst = (key: 'meanOverBestFixed' | 'p99OverBestFixed') => {
    const cell = figures.cells.reduce((a, b) => (b[key] > a[key] ? b : a))
    return `${cell[key].toFixed(3)} (${cell.network}, ${cell.deviceMs} ms)`
  }
  print(
    `  worst cell over the better fixed choice: mean ${worst('meanOverBestFixed')}, p99 ${worst('p99OverBestFixed')}`,
  )
  print(
    `  p90 covers ${percent(figures.coverageP90)} (edge ${percent(figures.coverage.edge)}, cloud ${percent(figures.coverage.cloud)}); ` +
      `${figures.probesPerRequest.toFixed(3)} probes a request`,
  )
}

/**
 * The routing simulator: `npm run bench -- routing [--traces DIR] [--seed N] [--settings 100/3,600/3] [--json]`.
 *
 * `--split tune|report|all` takes the 60 % of the recordings that the router was tuned on, the others (default), or
 * all; `--no-stress` leaves the stress cases out; `--recordings N` only every so many, so that N are left; `--only NAME,NAME` leaves other peers out.
 */
export const bench: Bench = async (flags, print) => {
  const seed = Number(flags.value('seed') ?? 1)
  const directory = flags.value('traces')
  const split = flags.value('split') ?? 'report'
  const all = directory === undefined ? makeRecordings(seed) : loadRecordings(directory, print)
  const chosen = all.filter((recording) => split === 'all' || isForTuning(recording) === (split === 'tune'))
  const wanted = Number(flags.value('recordings') ?? chosen.length)
  const step = chosen.length / Math.min(chosen.length, wanted)
  const recordings: Recording[] = []
  for (let at = 0; at < chosen.length; at += step) recordings.push(chosen[Math.floor(at)] as Recording)
  if (recordings.length === 0) throw new Error('no recording is left to run on')
  const given = flags.value('settings')
  const settings = given === undefined ? everySetting : parseSettings(given)
  const only = flags.value('only')?.split(',')
  const policies: Record<string, PolicyMaker> = {
    ...Object.fromEntries(
      Object.entries(peers).filter(([name]) => only === undefined || name.endsWith(' only') || only.includes(name)),
    ),
    hither: makeHither(tuned(flags.value('tune'))),
    oracle,
  }
  const networks = new Map<string, number>()
  for (const { network } of recordings) networks.set(network, (networks.get(network) ?? 0) + 1)
  print(
    `${recordings.length} of ${all.length} recordings (${directory ?? 'synthetic'}, ${split}): ` +
      [...networks].map(([network, count]) => `${network} ${count}`).join(', '),
  )
  print('uplink = 0.3 x downlink where a recording has none; a request does not slow another one on the link')
  decisionTimes.us = new Float64Array(50_000)
  decisionTimes.count = 0
  const results = settings.map((setting) => {
    const figures = runSetting(setting, recordings, policies, seed)
    printSetting(figures, print)
    return figures
  })
  const stress = flags.has('no-stress') ? [] : runStress(policies, seed)
  printStress(stress, print)
  // The first decisions are the compiler's.
  const times = [...decisionTimes.us.subarray(Math.min(2000, decisionTimes.count >> 1), decisionTimes.count)]
  const decisionP99Us = quantile(times, 0.99)
  const coverageP90 = results.reduce((sum, { coverageP90: share }) => sum + share, 0) / results.length
  print(
    `\np90 covers ${percent(coverageP90)} over all settings; a decision takes ${decisionP99Us.toFixed(1)} us at p99`,
  )
  return { seed, split, recordings: recordings.length, settings: results, stress, coverageP90, decisionP99Us }
}

/** Router settings to try, as JSON: `--tune '{"edgeTokens":0.2}'`. */
const tuned = (text: string | undefined): Parameters<typeof makeHither>[0] =>
  text === undefined ? {} : { settings: JSON.parse(text) as Record<string, number> }

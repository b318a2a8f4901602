import { chromium } from 'playwright'
import { writeHeavyModel } from '../e2e/support/heavy-model.ts'
import { buildPlainProject } from '../e2e/support/plain-project.ts'
import { openSite } from '../e2e/support/site.ts'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import { createSeededRandom } from '../src/utils/seeded-random.ts'
import { mean } from './routing/figures.ts'
import { makeHither } from './routing/hither-policy.ts'
import { abrGreedy, cloudOnly, edgeOnly, linUcb, pointEstimate, preferEdge, thompson } from './routing/peer-policies.ts'
import type { PolicyMaker } from './routing/policy.ts'
import { loadRecordings, type Recording } from './routing/recordings.ts'
import { drawSession } from './routing/session.ts'
import { makeRecordings } from './routing/synthetic.ts'
import type { Bench } from './support/bench.ts'
import { quantile } from './support/quantiles.ts'
import { type Happened, runBrowserSession } from './truth/browser-session.ts'
import { simulateAgain } from './truth/simulate-again.ts'
import { openTraceProxy, type TraceProxy } from './truth/trace-proxy.ts'

/** About 40 KB of input, and as much to compute as takes a browser longer than a thread without one. */
const model = { channels: 32, side: 100, layers: 10 }
const meanGapMs = 400

const policies: Readonly<Record<string, PolicyMaker>> = {
  'edge only': edgeOnly,
  'cloud only': cloudOnly,
  'prefer edge': preferEdge,
  'point estimate': pointEstimate,
  'ABR greedy': abrGreedy,
  LinUCB: linUcb,
  Thompson: thompson,
  hither: makeHither(),
}

/** Every so many of all, so that each kind of network has its part; links over which nothing passes are of no use here. */
function pick(all: readonly Recording[], count: number): Recording[] {
  const usable = all.filter(({ uplinkBps }) => mean(uplinkBps) > 5e5)
  const byNetwork = [...usable].sort((a, b) => (a.network + a.name < b.network + b.name ? -1 : 1))
  const step = byNetwork.length / Math.min(count, byNetwork.length)
  return Array.from(
    { length: Math.min(count, byNetwork.length) },
    (_, index) => byNetwork[Math.floor(index * step)],
  ).filter((recording) => recording !== undefined)
}

interface Compared {
  readonly recording: string
  readonly network: string
  readonly policy: string
  readonly browserMs: number
  readonly simulatorMs: number
  readonly cloudShare: number
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`

/**
 * The simulator held against the built product: recordings replayed by a shaping proxy between a real Chromium and a
 * real endpoint. `npm run bench -- truth [--traces DIR] [--recordings 12] [--from 0] [--requests 12] [--only NAME,…]`.
 *
 * Each session is run in the browser, then again in the simulator at the same moments of the same recording, with the
 * times that the two arms took in the browser by themselves.
 */
export const bench: Bench = async (flags, print) => {
  const seed = Number(flags.value('seed') ?? 1)
  const directory = flags.value('traces')
  const all = directory === undefined ? makeRecordings(seed) : loadRecordings(directory, print)
  const wanted = Number(flags.value('recordings') ?? 12)
  const recordings = pick(all, wanted).slice(Number(flags.value('from') ?? 0))
  const requests = Number(flags.value('requests') ?? 12)
  const only = (flags.value('only') ?? 'ABR greedy').split(',')
  const names = Object.keys(policies).filter((name) => / only$|^hither$/.test(name) || only.includes(name))
  const random = createSeededRandom(seed)

  const project = buildPlainProject()
  const heavy = await writeHeavyModel(model)
  let proxy: TraceProxy | undefined
  const site = await openSite({
    appDir: project.appDir,
    modelsDir: heavy.modelsDir,
    openLink: async (port) => {
      proxy = await openTraceProxy(port)
      return proxy
    },
  })
  const browser = await chromium.launch({ executablePath: findBrowser(), args: browserArgs })
  const payloadBytes = 4 * heavy.dims.reduce((product, dim) => product * dim, 1)
  const compared: Compared[] = []
  const predicted: Happened[] = []
  try {
    print(
      `${recordings.length} recordings (${directory ?? 'synthetic'}), ${requests} requests of ${payloadBytes} bytes each`,
    )
    print('  recording                                     policy          browser  simulator   ratio   cloud')
    for (const [index, recording] of recordings.entries()) {
      const length = recording.startS[recording.uplinkBps.length] ?? 1
      const offsetS = random() * length
      const gapsMs = Array.from({ length: requests }, () => -Math.log(1 - random()) * meanGapMs)
      const happened = new Map<string, Awaited<ReturnType<typeof runBrowserSession>>>()
      for (const name of names) {
        const make = policies[name] ?? edgeOnly
        const session = drawSession(
          recording,
          { payloadKB: payloadBytes / 1000, gapS: meanGapMs / 1000, deviceMs: 100 },
          index,
        )
        // What was replayed to the session before must not slow this one's model or its bare requests.
        proxy?.free()
        happened.set(
          name,
          await runBrowserSession(browser, {
            origin: site.origin,
            endpointOrigin: site.endpointOrigin,
            dims: heavy.dims,
            gapsMs,
            measureBare: name === 'cloud only',
            policy: name === 'hither' ? undefined : make(session, createSeededRandom(seed + index)),
            onReady: () => proxy?.replay(recording, offsetS),
          }),
        )
      }
      const runsOf = (name: string) => happened.get(name)?.happened ?? []
      const bareMs = quantile([...(happened.get('cloud only')?.bareMs ?? [])], 0.5)
      const measured = {
        edgeMs: runsOf('edge only').map(({ ms }) => ms),
        serverMs: runsOf('cloud only').map(({ runMs }) => runMs + (Number.isFinite(bareMs) ? bareMs : 0)),
      }
      for (const name of names) {
        const browserRuns = runsOf(name)
        const again = simulateAgain(browserRuns, {
          recording,
          offsetS,
          payloadBytes,
          deviceMs: quantile([...measured.edgeMs], 0.5),
          measured,
          policy: policies[name] ?? edgeOnly,
          seed: seed + index,
        })
        const row: Compared = {
          recording: recording.name,
          network: recording.network,
          policy: name,
          browserMs: mean(browserRuns.map(({ ms }) => ms)),
          simulatorMs: mean(again),
          cloudShare: mean(browserRuns.map(({ toCloud }) => Number(toCloud))),
        }
        compared.push(row)
        if (name === 'hither') predicted.push(...browserRuns)
        print(
          `  ${recording.name.slice(-44).padEnd(45)} ${name.padEnd(14)} ${row.browserMs.toFixed(0).padStart(8)} ${row.simulatorMs.toFixed(0).padStart(10)} ${(row.simulatorMs / row.browserMs).toFixed(2).padStart(7)} ${percent(row.cloudShare).padStart(7)}`,
        )
      }
    }
  } finally {
    await browser.close()
    await site.close()
    heavy.remove()
  }
  const pooled = names.map((name) => {
    const rows = compared.filter(({ policy }) => policy === name)
    const [browserMs, simulatorMs] = [mean(rows.map((row) => row.browserMs)), mean(rows.map((row) => row.simulatorMs))]
    const off = rows.filter((row) => Math.abs(row.simulatorMs / row.browserMs - 1) > 0.15).length
    return { policy: name, browserMs, simulatorMs, ratio: simulatorMs / browserMs, beyond15: off, of: rows.length }
  })
  print('\n  all together    browser  simulator   ratio   recordings off by more than 15 %')
  for (const { policy, browserMs, simulatorMs, ratio, beyond15, of } of pooled) {
    print(
      `  ${policy.padEnd(14)} ${browserMs.toFixed(0).padStart(8)} ${simulatorMs.toFixed(0).padStart(10)} ${ratio.toFixed(2).padStart(7)}   ${beyond15} of ${of}`,
    )
  }
  const known = predicted.filter(({ p90Ms }) => p90Ms !== undefined)
  const covered = mean(known.map(({ ms, p90Ms = 0 }) => Number(ms <= p90Ms)))
  print(
    `\n  of Hither's answers in the browser ${percent(covered)} came within the predicted 90th percentile (${known.length})`,
  )
  return { seed, recordings: recordings.length, requests, compared, pooled, coverageP90: covered }
}

import { isForTuning, loadRecordings, type Recording } from './routing/recordings.ts'
import { makeRecordings } from './routing/synthetic.ts'
import type { Bench } from './support/bench.ts'
import { figuresOfFirst } from './text-routing/figures.ts'
import type { FirstTokens } from './text-routing/first-token.ts'
import { makeHither, type TextSettings } from './text-routing/hither.ts'
import {
  clairvoyant,
  cloudOnly,
  discoDevice,
  discoServer,
  edgeOnly,
  preferEdge,
  randomRace,
} from './text-routing/peers.ts'
import type { TextPolicyMaker } from './text-routing/policy.ts'
import { runCell, type TextCell } from './text-routing/run-cells.ts'
import { printFaults, runFaults } from './text-routing/run-faults.ts'
import { deviceTokensPerSecond, endpointKinds, promptClasses, type Setting } from './text-routing/world.ts'

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

/** The recordings of each network, at most so many, spread over all of them. */
function byNetwork(recordings: readonly Recording[], most: number): ReadonlyMap<string, readonly Recording[]> {
  const networks = new Map<string, Recording[]>()
  for (const recording of recordings) {
    const known = networks.get(recording.network) ?? []
    known.push(recording)
    networks.set(recording.network, known)
  }
  return new Map(
    [...networks].map(([network, all]) => {
      const step = Math.max(1, all.length / most)
      const taken = Array.from({ length: Math.min(most, all.length) }, (_, at) => all[Math.floor(at * step)])
      return [network, taken.filter((each) => each !== undefined)]
    }),
  )
}

/** Every so many of a list: to look at fewer cells while tuning. */
const everySo = <T>(all: readonly T[], step: number): T[] => all.filter((_, index) => index % step === 0)

const rangeText = ({ p95OverBestRange: range }: TextCell) =>
  range === undefined ? '' : ` (95 %: ${range.map((each) => each.toFixed(2)).join(' to ')})`

function printFirst(
  policies: readonly string[],
  sessions: ReadonlyMap<string, readonly FirstTokens[]>,
  cells: readonly TextCell[],
  print: (line: string) => void,
) {
  print('\npolicy               mean      p50      p95   over clairvoyant   cells p95 > 1.05   wasted   raced   cloud')
  const bestMs = figuresOfFirst(sessions.get('clairvoyant') ?? []).meanMs
  return Object.fromEntries(
    policies.map((name) => {
      const figures = figuresOfFirst(sessions.get(name) ?? [])
      const overs = cells.map(({ policies: of }) => {
        const best = Math.min(of['edge only']?.p95Ms ?? 0, of['cloud only']?.p95Ms ?? 0)
        return (of[name]?.p95Ms ?? 0) / best
      })
      const above = overs.filter((over) => over > 1.05).length
      const overClairvoyant = figures.meanMs / bestMs
      const ms = [figures.meanMs, figures.p50Ms, figures.p95Ms].map((each) => each.toFixed(0).padStart(8)).join(' ')
      const shares = [figures.wastedShare, figures.raced, figures.cloudShare].map((each) => percent(each).padStart(7))
      print(
        `${name.padEnd(16)} ${ms} ${overClairvoyant.toFixed(3).padStart(18)} ${String(above).padStart(9)} of ${cells.length} ${shares.join(' ')}`,
      )
      return [name, { ...figures, overClairvoyant, cellsAbove: above, worstCell: Math.max(...overs) }]
    }),
  )
}

/**
 * Routing of text: `npm run bench -- text-routing [--traces DIR] [--seed N] [--json]`. `--seeds N`: each cell has the
 * sessions of so many seeds (1), as few requests say little of a 95th percentile.
 *
 * `--split tune|report|all` takes the recordings that the router was tuned on, the others (default), or all; `--recordings
 * N` at most so many of each network (3), `--requests N` so many in each session (120), `--cells N` every so many cells,
 * `--no-faults` leaves the answers with faults out, `--only-faults` the first tokens; `--tune JSON` sets settings.
 */
export const bench: Bench = async (flags, print) => {
  const seed = Number(flags.value('seed') ?? 1)
  const seeds = Number(flags.value('seeds') ?? 1)
  const requests = Number(flags.value('requests') ?? 120)
  const split = flags.value('split') ?? 'report'
  const directory = flags.value('traces')
  const all = directory === undefined ? makeRecordings(seed) : loadRecordings(directory, print)
  const chosen = all.filter((each) => split === 'all' || isForTuning(each) === (split === 'tune'))
  const networks = byNetwork(chosen, Number(flags.value('recordings') ?? 3))
  if (networks.size === 0) throw new Error('no recording is left to run on')
  const tune = flags.value('tune')
  const settings = (tune === undefined ? {} : JSON.parse(tune)) as TextSettings
  const policies: Record<string, TextPolicyMaker> = {
    'edge only': edgeOnly,
    'cloud only': cloudOnly,
    'prefer edge': preferEdge,
    'random race': randomRace,
    'DiSCo, device': discoDevice,
    'DiSCo, server': discoServer,
    hither: makeHither(settings),
    clairvoyant,
  }
  print(
    `${directory ?? 'synthetic'}, ${split}: ${[...networks].map(([name, { length }]) => `${name} ${length}`).join(', ')}; ` +
      `${requests} requests a session; devices of ${deviceTokensPerSecond.join(', ')} tokens a second, prompts of about ` +
      `${promptClasses.join(', ')} tokens, endpoints: ${endpointKinds.map(({ name }) => name).join(', ')}`,
  )
  const settingsOfCells = [...networks].flatMap(([network, recordings]) =>
    deviceTokensPerSecond.flatMap((device) =>
      promptClasses.flatMap((prompt) =>
        endpointKinds.map((endpoint) => ({ network, recordings, setting: { device, prompt, endpoint } as Setting })),
      ),
    ),
  )
  const taken = everySo(settingsOfCells, Number(flags.value('cells') ?? 1))
  const sessions = new Map<string, FirstTokens[]>(Object.keys(policies).map((name) => [name, []]))
  const cells: TextCell[] = []
  if (!flags.has('only-faults')) {
    for (const { network, recordings, setting } of taken) {
      const ran = runCell(network, recordings, setting, policies, { seed, seeds, requests })
      cells.push(ran.cell)
      for (const [name, each] of ran.sessions) sessions.get(name)?.push(...each)
    }
  }
  const first = cells.length === 0 ? undefined : printFirst(Object.keys(policies), sessions, cells, print)
  for (const cell of [...cells].sort((a, b) => b.p95OverBest - a.p95OverBest).slice(0, 12)) {
    const { hither, 'edge only': edge, 'cloud only': cloud } = cell.policies
    print(
      `  ${cell.p95OverBest.toFixed(3)}${rangeText(cell)} ${cell.network}, ${cell.device} tokens/s, ${cell.prompt} tokens, ${cell.endpoint}: p95 ` +
        `${hither?.p95Ms.toFixed(0)} ms (edge ${edge?.p95Ms.toFixed(0)}, cloud ${cloud?.p95Ms.toFixed(0)}), mean ` +
        `${cell.meanOverClairvoyant.toFixed(3)}, wasted ${percent(hither?.wastedShare ?? 0)}`,
    )
  }
  const faults = flags.has('no-faults') ? undefined : runFaults(taken, { seed, requests, settings })
  if (faults !== undefined) printFaults(faults, print)
  return { seed, seeds, split, requests, first, cells, faults }
}

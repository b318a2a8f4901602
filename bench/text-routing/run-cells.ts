import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import type { Recording } from '../routing/recordings.ts'
import { type FirstFigures, figuresOfFirst } from './figures.ts'
import { type FirstTokens, simulateFirstTokens } from './first-token.ts'
import { seededFor } from './peers.ts'
import type { TextPolicyMaker } from './policy.ts'
import { drawTextSession, type Setting } from './world.ts'

/** One network, device, prompt and endpoint. */
export interface TextCell {
  readonly network: string
  readonly device: number
  readonly prompt: number
  readonly endpoint: string
  readonly requests: number
  readonly policies: Readonly<Record<string, FirstFigures>>
  /** Hither's 95th percentile over that of the better single arm. */
  readonly p95OverBest: number
  /** What 19 of 20 draws of the same sessions have of it, where it is above 1. */
  readonly p95OverBestRange?: readonly [low: number, high: number]
  readonly meanOverClairvoyant: number
}

const draws = 400

/** The bootstrap's interval of Hither's 95th percentile over the better single arm's: whole sessions are drawn anew. */
function rangeOf(
  sessions: ReadonlyMap<string, readonly FirstTokens[]>,
  seed: number,
): readonly [low: number, high: number] {
  const random = createSeededRandom(seed)
  const overs = Array.from({ length: draws }, () => {
    const drawn = (sessions.get('hither') ?? []).map((_, __, all) => Math.floor(random() * all.length))
    const p95 = (name: string) => {
      const all = sessions.get(name) ?? []
      return figuresOfFirst(drawn.flatMap((at) => all[at] ?? [])).p95Ms
    }
    return p95('hither') / Math.min(p95('edge only'), p95('cloud only'))
  }).sort((a, b) => a - b)
  const at = (share: number) => overs[Math.floor(share * draws)] ?? Number.NaN
  return [at(0.025), at(0.975)]
}

/** @returns what each policy did with the same sessions of this cell, and these sessions for sums over cells */
export function runCell(
  network: string,
  recordings: readonly Recording[],
  setting: Setting,
  policies: Readonly<Record<string, TextPolicyMaker>>,
  options: { readonly seed: number; readonly seeds: number; readonly requests: number },
): { readonly cell: TextCell; readonly sessions: ReadonlyMap<string, readonly FirstTokens[]> } {
  const sessions = new Map<string, FirstTokens[]>(Object.keys(policies).map((name) => [name, []]))
  const { device, prompt, endpoint } = setting
  const drawn = Array.from({ length: options.seeds }, (_, k) => options.seed + k)
  for (const [r, recording, each] of drawn.flatMap((each) => recordings.map((of, r) => [r, of, each] as const))) {
    const seed = (each * 1_000_003 + r * 97 + device * 131 + prompt * 17 + endpoint.firstMs * 1009) | 0
    const session = drawTextSession(recording, setting, seed, options.requests)
    for (const [name, make] of Object.entries(policies)) {
      sessions.get(name)?.push(simulateFirstTokens(session, make(session, seededFor(seed))))
    }
  }
  const figures = Object.fromEntries([...sessions].map(([name, each]) => [name, figuresOfFirst(each)]))
  const of = (name: string) => figures[name] as FirstFigures
  const p95OverBest = of('hither').p95Ms / Math.min(of('edge only').p95Ms, of('cloud only').p95Ms)
  const cell: TextCell = {
    network,
    device: setting.device,
    prompt: setting.prompt,
    endpoint: setting.endpoint.name,
    requests: recordings.length * options.seeds * options.requests,
    policies: figures,
    p95OverBest,
    ...(p95OverBest > 1.005 ? { p95OverBestRange: rangeOf(sessions, options.seed) } : {}),
    meanOverClairvoyant: of('hither').meanMs / of('clairvoyant').meanMs,
  }
  return { cell, sessions }
}

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
  readonly meanOverClairvoyant: number
}

/** @returns what each policy did with the same sessions of this cell, and these sessions for sums over cells */
export function runCell(
  network: string,
  recordings: readonly Recording[],
  setting: Setting,
  policies: Readonly<Record<string, TextPolicyMaker>>,
  options: { readonly seed: number; readonly requests: number },
): { readonly cell: TextCell; readonly sessions: ReadonlyMap<string, readonly FirstTokens[]> } {
  const sessions = new Map<string, FirstTokens[]>(Object.keys(policies).map((name) => [name, []]))
  recordings.forEach((recording, r) => {
    const { device, prompt, endpoint } = setting
    const seed = (options.seed * 1_000_003 + r * 97 + device * 131 + prompt * 17 + endpoint.firstMs * 1009) | 0
    const session = drawTextSession(recording, setting, seed, options.requests)
    for (const [name, make] of Object.entries(policies)) {
      sessions.get(name)?.push(simulateFirstTokens(session, make(session, seededFor(seed))))
    }
  })
  const figures = Object.fromEntries([...sessions].map(([name, each]) => [name, figuresOfFirst(each)]))
  const of = (name: string) => figures[name] as FirstFigures
  const cell: TextCell = {
    network,
    device: setting.device,
    prompt: setting.prompt,
    endpoint: setting.endpoint.name,
    requests: recordings.length * options.requests,
    policies: figures,
    p95OverBest: of('hither').p95Ms / Math.min(of('edge only').p95Ms, of('cloud only').p95Ms),
    meanOverClairvoyant: of('hither').meanMs / of('clairvoyant').meanMs,
  }
  return { cell, sessions }
}

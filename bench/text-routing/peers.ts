import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import { aloneMsOf } from './first-token.ts'
import type { ArmName, TextPolicyMaker } from './policy.ts'
import { cloudFirstMs, drawTextSession, type TextSession } from './world.ts'

const never = Number.POSITIVE_INFINITY

const fixed =
  (first: ArmName, fallsBack: boolean): TextPolicyMaker =>
  () => ({ decide: () => ({ first, afterMs: never, fallsBack, retries: !fallsBack }) })

export const edgeOnly = fixed('edge', false)
export const cloudOnly = fixed('cloud', false)
/** What the field does: the device, and the cloud where that fails before the first token. */
export const preferEdge = fixed('edge', true)

/** One request in five runs on both arms, whichever; the others go to one of them at random. */
export const randomRace: TextPolicyMaker = (_, random) => ({
  decide: () => {
    const first = random() < 0.5 ? 'edge' : 'cloud'
    return { first, afterMs: random() < 0.2 ? 0 : never, fallsBack: true }
  },
})

/** The share of all prompt tokens that the paper's policy may spend on the arm that is dear, and what of it is for the tail. */
const budget = 0.3
const tailShare = 0.05

/** The server's first tokens as the paper profiles them beforehand: of other days on the same link. */
function profileOf(session: TextSession): number[] {
  const other = drawTextSession(session.recording, session, session.seed ^ 0x2545f491, 200)
  const times = Array.from({ length: 200 }, (_, i) =>
    cloudFirstMs(other, i, other.atMs[i] ?? 0, other.promptTokens[i] ?? 0),
  )
  return times.sort((a, b) => a - b)
}
/** The prompt's length below which (or from which on) prompts have this share of all tokens. */
function lengthAt(session: TextSession, share: number): number {
  const lengths = [...session.promptTokens].sort((a, b) => a - b)
  const all = lengths.reduce((sum, each) => sum + each, 0)
  let sum = 0
  for (const length of lengths) {
    sum += length
    if (sum > share * all) return length
  }
  return never
}

/**
 * DiSCo (arXiv 2502.11417), rebuilt, where the device's energy is what is dear: the server starts at once. Short prompts
 * start on the device, too, as far as the budget goes; for longer ones the device waits until the server is in its tail.
 * Both distributions are known beforehand, as in the paper.
 */
export const discoDevice: TextPolicyMaker = (session) => {
  const times = profileOf(session)
  const tailMs = times[Math.floor((1 - tailShare) * (times.length - 1))] ?? never
  const short = lengthAt(session, budget - tailShare)
  return {
    decide: (i) => ({
      first: 'cloud',
      afterMs: (session.promptTokens[i] ?? 0) < short ? 0 : tailMs,
      fallsBack: true,
    }),
  }
}

/** The same where the server's price is what is dear: the device starts at once, and for long prompts the server, too. */
export const discoServer: TextPolicyMaker = (session) => {
  const long = lengthAt(session, 1 - budget)
  return {
    decide: (i) => ({ first: 'edge', afterMs: (session.promptTokens[i] ?? 0) >= long ? 0 : never, fallsBack: true }),
  }
}

/** Knows what each arm will take, and whether it will fail. */
export const clairvoyant: TextPolicyMaker = (session) => ({
  decide(i, nowMs) {
    const isEdge = aloneMsOf(session, i, 'edge', nowMs) <= aloneMsOf(session, i, 'cloud', nowMs)
    return { first: isEdge ? 'edge' : 'cloud', afterMs: never, fallsBack: true, retries: true }
  },
})

export const seededFor = (seed: number) => createSeededRandom(seed ^ 0x5bd1e995)

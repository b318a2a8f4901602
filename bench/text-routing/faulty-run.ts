import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import type { ArmName } from './policy.ts'
import { arriveMs, chunkBytes, type TextSession, tripMs, writeMs } from './world.ts'

export interface Fault {
  readonly kind: 'kill' | 'stall'
  /** Behind so many of its tokens, as a share of those that were left to it. */
  readonly at: number
}
export interface Faults {
  /** What happens to the `nth` run of request `i` on an arm; undefined: nothing. */
  of(i: number, arm: ArmName, nth: number): Fault | undefined
}

/** Runs that one answer may take. */
export const mostRuns = 6
const never = Number.POSITIVE_INFINITY

/** @param share of all runs that are killed or fall silent, half of them each */
export function drawFaults(session: TextSession, share: number): Faults {
  const random = createSeededRandom(session.seed ^ 0x1b56c4e9)
  const drawn = Array.from({ length: session.count * 2 * mostRuns }, (): Fault | undefined => {
    const [hit, kind, at] = [random(), random(), random()]
    return hit < share ? { kind: kind < 0.5 ? 'kill' : 'stall', at } : undefined
  })
  return { of: (i, arm, nth) => drawn[(i * 2 + (arm === 'edge' ? 0 : 1)) * mostRuns + nth] }
}

/** When the tokens of one run arrive, one after the other. */
export interface Run {
  readonly arm: ArmName
  /** When the next token is here; infinite: it has fallen silent. */
  nextMs: number
  /** When it is seen to have died. */
  diesMs: number
  /** The token at `nextMs` has been taken. */
  advance(): void
}

export function createRun(options: {
  readonly session: TextSession
  readonly i: number
  readonly arm: ArmName
  readonly firstAtMs: number
  readonly context: number
  readonly left: number
  readonly fault: Fault | undefined
}): Run {
  const { session, i, arm, firstAtMs, context, left, fault } = options
  const random = createSeededRandom(session.seed ^ Math.round(firstAtMs))
  const stopsAfter = fault === undefined ? never : Math.max(1, Math.floor(fault.at * left))
  let came = 0
  let emittedMs = firstAtMs - (arm === 'cloud' ? tripMs(session, i, firstAtMs) / 2 : 0)
  const run: Run = {
    arm,
    nextMs: firstAtMs,
    diesMs: never,
    advance() {
      came += 1
      const jitter = Math.exp(0.35 * (random() + random() + random() - 1.5))
      emittedMs += (arm === 'edge' ? writeMs(session, i, context + came) : session.endpoint.tokenMs) * jitter
      if (came >= stopsAfter) {
        run.diesMs = fault?.kind === 'kill' ? run.nextMs + 1 : never
        run.nextMs = never
      } else if (arm === 'edge') run.nextMs = emittedMs
      else {
        const half = tripMs(session, i, emittedMs) / 2
        run.nextMs = Math.max(run.nextMs, emittedMs + half + arriveMs(session, emittedMs + half, chunkBytes))
      }
    },
  }
  return run
}

import { createSeededRandom } from '../../src/utils/seeded-random.ts'
import type { PolicyMaker } from '../routing/policy.ts'
import type { Recording } from '../routing/recordings.ts'
import type { Session } from '../routing/session.ts'
import { simulate } from '../routing/simulate.ts'
import type { Happened } from './browser-session.ts'

/** What this machine's arms took for each request in the browser, in milliseconds, the link left out. */
export interface MeasuredArms {
  readonly edgeMs: readonly number[]
  /** The endpoint's own time, and what the browser takes to send and read. */
  readonly serverMs: readonly number[]
}

/** The same session in the simulator: the same moments on the same recording, the arms as fast as they were measured. */
export function simulateAgain(
  happened: readonly Happened[],
  about: {
    readonly recording: Recording
    readonly offsetS: number
    readonly payloadBytes: number
    readonly deviceMs: number
    readonly measured: MeasuredArms
    readonly policy: PolicyMaker
    readonly seed: number
  },
): Float64Array {
  const { recording, offsetS, payloadBytes, deviceMs, measured, policy, seed } = about
  const count = happened.length
  const inOrder = (values: readonly number[]) =>
    Float64Array.from({ length: count }, (_, index) => values[index % values.length] ?? 0)
  const session: Session = {
    recording,
    deviceMs,
    payloadBytes,
    count,
    arrivalMs: Float64Array.from(happened, ({ atMs }) => atMs),
    edgeMs: inOrder(measured.edgeMs),
    serverMs: inOrder(measured.serverMs),
    tripFactor: new Float64Array(count).fill(1),
    tripExtraMs: new Float64Array(count),
    stallMs: new Float64Array(count),
    offsetS,
    stress: {},
  }
  return simulate(session, policy(session, createSeededRandom(seed + 1))).latencyMs
}

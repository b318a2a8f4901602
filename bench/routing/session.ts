import { createSeededRandom, drawNormal } from '../../src/utils/seeded-random.ts'
import type { Recording } from './recordings.ts'

/** A request is given up at the endpoint after this long, and counts as answered then. */
export const mostCloudMs = 30_000
export const answerBytes = 2_000

/** Bits that a link has carried by the end of each row, to find when a transfer ends without walking row by row. */
interface Capacity {
  readonly bits: Float64Array
  readonly total: number
}
const capacities = new WeakMap<Float64Array, Capacity>()
function capacityOf(startS: Float64Array, bps: Float64Array): Capacity {
  const known = capacities.get(bps)
  if (known !== undefined) return known
  const bits = new Float64Array(startS.length)
  for (let i = 0; i < bps.length; i += 1) {
    bits[i + 1] = (bits[i] ?? 0) + (bps[i] ?? 0) * ((startS[i + 1] ?? 0) - (startS[i] ?? 0))
  }
  const made = { bits, total: bits[bps.length] ?? 0 }
  capacities.set(bps, made)
  return made
}

/** The last index whose value is at most `value`. */
function lastAtMost(values: Float64Array, value: number, length: number): number {
  let [low, high] = [0, length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((values[middle] ?? 0) <= value) low = middle
    else high = middle - 1
  }
  return low
}

/** Seconds from `fromS` until `bits` have passed a link that repeats its recording; at most `mostCloudMs`. */
export function transferS(startS: Float64Array, bps: Float64Array, fromS: number, bits: number): number {
  const most = mostCloudMs / 1000
  const { bits: carried, total } = capacityOf(startS, bps)
  const period = startS[bps.length] ?? 1
  if (!(total > 0)) return most
  const inside = fromS % period
  const row = lastAtMost(startS, inside, bps.length)
  const done = (carried[row] ?? 0) + (bps[row] ?? 0) * (inside - (startS[row] ?? 0))
  const target = done + bits
  const rounds = Math.floor(target / total)
  const rest = target - rounds * total
  const endRow = lastAtMost(carried, rest, bps.length)
  const rate = bps[endRow] ?? 0
  const endInside = (startS[endRow] ?? 0) + (rate > 0 ? (rest - (carried[endRow] ?? 0)) / rate : 0)
  return Math.min(most, Math.max(0, rounds * period + endInside - inside))
}

/** What is different in a stress case; times in seconds from the session's start. */
export interface Stress {
  readonly edgeFactor?: (atS: number) => number
  readonly serverFails?: (atS: number) => boolean
  /** Until then the model is on its way to the device. */
  readonly edgeReadyAtS?: number
}

/** One person's requests: everything that happens to them, drawn beforehand, whatever a policy then chooses. */
export interface Session {
  readonly recording: Recording
  readonly deviceMs: number
  readonly payloadBytes: number
  readonly count: number
  readonly arrivalMs: Float64Array
  /** What each request takes on the device, without waiting. */
  readonly edgeMs: Float64Array
  readonly serverMs: Float64Array
  readonly tripFactor: Float64Array
  readonly tripExtraMs: Float64Array
  readonly stallMs: Float64Array
  readonly offsetS: number
  readonly stress: Stress
}

/**
 * The device: its time ± 6 %, 2 % of the runs 30 to 150 ms longer, and spells of 1.8 times the time. The endpoint:
 * 15 ms ± 15 %, 2 % of the requests 100 to 300 ms longer, 0.3 % stall for 3 s. Round trips ± 12 %, 3 % of them 50 to
 * 200 ms longer.
 */
export function drawSession(
  recording: Recording,
  setting: { readonly payloadKB: number; readonly gapS: number; readonly deviceMs: number },
  seed: number,
  count = 120,
  stress: Stress = {},
): Session {
  const random = createSeededRandom(seed)
  const make = () => new Float64Array(count)
  const session = {
    recording,
    deviceMs: setting.deviceMs,
    payloadBytes: setting.payloadKB * 1000,
    count,
    arrivalMs: make(),
    edgeMs: make(),
    serverMs: make(),
    tripFactor: make(),
    tripExtraMs: make(),
    stallMs: make(),
    offsetS: random() * (recording.startS[recording.uplinkBps.length] ?? 1),
    stress,
  }
  let atMs = 0
  let hot = false
  for (let i = 0; i < count; i += 1) {
    atMs += -Math.log(1 - random()) * setting.gapS * 1000
    session.arrivalMs[i] = atMs
    hot = hot ? random() > 0.05 : random() < 0.01
    const spike = random() < 0.02 ? 30 + 120 * random() : 0
    session.edgeMs[i] =
      (setting.deviceMs * (hot ? 1.8 : 1) * Math.exp(0.06 * drawNormal(random)) + spike) *
      (stress.edgeFactor?.(atMs / 1000) ?? 1)
    session.serverMs[i] = 15 * Math.exp(0.15 * drawNormal(random)) + (random() < 0.02 ? 100 + 200 * random() : 0)
    session.tripFactor[i] = Math.exp(0.12 * drawNormal(random))
    session.tripExtraMs[i] = random() < 0.03 ? 50 + 150 * random() : 0
    session.stallMs[i] = random() < 0.003 ? 3000 : 0
  }
  return session
}

/** The row that holds at a time, in seconds, of a recording that repeats. */
export const rowAt = ({ startS, uplinkBps }: Recording, atS: number) =>
  lastAtMost(startS, atS % (startS[uplinkBps.length] ?? 1), uplinkBps.length)

/** What request `i` takes in the cloud when it is sent at `startMs`; negative when the endpoint fails it then. */
export function cloudMs(session: Session, i: number, startMs: number): number {
  const { recording, offsetS, payloadBytes } = session
  const atS = offsetS + startMs / 1000
  const tripMs =
    (recording.roundTripMs[rowAt(recording, atS)] ?? 50) * (session.tripFactor[i] ?? 1) + (session.tripExtraMs[i] ?? 0)
  const sentS = atS + tripMs / 2000
  const upS = transferS(recording.startS, recording.uplinkBps, sentS, payloadBytes * 8)
  if (session.stress.serverFails?.(startMs / 1000)) return -(tripMs + upS * 1000 + 2)
  const answeredS = sentS + upS + ((session.serverMs[i] ?? 0) + (session.stallMs[i] ?? 0)) / 1000
  const downS = transferS(recording.startS, recording.downlinkBps, answeredS, answerBytes * 8)
  const total = tripMs + upS * 1000 + (session.serverMs[i] ?? 0) + (session.stallMs[i] ?? 0) + downS * 1000
  return Math.min(mostCloudMs, total)
}

/** What an upload of `bytes` that is answered at once takes. */
export function probeMs(session: Session, startMs: number, bytes: number): number {
  const { recording, offsetS } = session
  const atS = offsetS + startMs / 1000
  const tripMs = recording.roundTripMs[rowAt(recording, atS)] ?? 50
  return Math.min(
    mostCloudMs,
    tripMs + 1000 * transferS(recording.startS, recording.uplinkBps, atS + tripMs / 2000, bytes * 8),
  )
}

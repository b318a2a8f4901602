import { createSeededRandom, drawNormal } from '../../src/utils/seeded-random.ts'
import type { Recording } from '../routing/recordings.ts'
import { rowAt, transferS } from '../routing/session.ts'

/** An endpoint that writes text. Its first tokens are log-normal, and some take many times as long. */
export interface EndpointKind {
  readonly name: string
  readonly firstMs: number
  readonly spread: number
  readonly tailChance: number
  readonly tokenMs: number
}

export const endpointKinds: readonly EndpointKind[] = [
  { name: 'quick', firstMs: 250, spread: 0.25, tailChance: 0.02, tokenMs: 15 },
  { name: 'usual', firstMs: 600, spread: 0.4, tailChance: 0.05, tokenMs: 25 },
  { name: 'loaded', firstMs: 1_500, spread: 0.6, tailChance: 0.08, tokenMs: 45 },
]
export const deviceTokensPerSecond = [10, 25, 50, 100] as const
export const promptClasses = [50, 300, 1_200, 4_000] as const

export interface Setting {
  readonly device: number
  readonly prompt: number
  readonly endpoint: EndpointKind
}

/** Tokens that a device reads in the time that it writes one, and by how much both grow with what is looked back on. */
const readPerWritten = 10
const readSlope = 1 / 1_000
const writeSlope = 1 / 1_500
/** A first token takes at most this long; a request is given up then. */
export const mostMs = 60_000
const bytesPerToken = 4.5
const headBytes = 700
export const chunkBytes = 220
/** A server reads this many tokens a millisecond. */
const serverReads = 5
export const maxTokens = 512

/** One person's requests. What happens to them was drawn beforehand, whatever a policy then chooses. */
export interface TextSession extends Setting {
  readonly recording: Recording
  readonly seed: number
  readonly count: number
  readonly atMs: Float64Array
  readonly promptTokens: Int32Array
  readonly answerTokens: Int32Array
  /** A factor on the device's times: heat, other work. */
  readonly edgeFactor: Float64Array
  readonly edgeExtraMs: Float64Array
  /** Milliseconds at the server to the first token, beside the reading of the prompt. */
  readonly serverMs: Float64Array
  readonly tripFactor: Float64Array
  readonly edgeFails: Uint8Array
  readonly cloudFails: Uint8Array
  readonly offsetS: number
}

export function drawTextSession(recording: Recording, setting: Setting, seed: number, count: number): TextSession {
  const random = createSeededRandom(seed)
  const { endpoint, prompt } = setting
  const make = () => new Float64Array(count)
  const session = {
    ...setting,
    recording,
    seed,
    count,
    atMs: make(),
    promptTokens: new Int32Array(count),
    answerTokens: new Int32Array(count),
    edgeFactor: make(),
    edgeExtraMs: make(),
    serverMs: make(),
    tripFactor: make(),
    edgeFails: new Uint8Array(count),
    cloudFails: new Uint8Array(count),
    offsetS: random() * (recording.startS[recording.uplinkBps.length] ?? 1),
  }
  let hot = false
  let load = 0.25 * drawNormal(random)
  let atMs = 0
  for (let i = 0; i < count; i += 1) {
    const gapMs = 10_000 - 20_000 * Math.log(1 - random())
    atMs += gapMs
    session.atMs[i] = atMs
    session.promptTokens[i] = Math.max(8, Math.round(prompt * Math.exp(0.25 * drawNormal(random))))
    session.answerTokens[i] = Math.min(maxTokens, Math.max(4, Math.round(120 * Math.exp(0.7 * drawNormal(random)))))
    hot = hot ? random() > 0.05 : random() < 0.01
    session.edgeFactor[i] = (hot ? 1.8 : 1) * Math.exp(0.06 * drawNormal(random))
    session.edgeExtraMs[i] = random() < 0.02 ? 50 + 250 * random() : 0
    const kept = Math.exp(-gapMs / 600_000)
    load = load * kept + 0.25 * Math.sqrt(1 - kept * kept) * drawNormal(random)
    // A Pareto tail of index 1.5, cut at 40 times the median.
    const tail = random() < endpoint.tailChance ? Math.min(40, 3 * (1 - random()) ** (-1 / 1.5)) : 1
    session.serverMs[i] = endpoint.firstMs * tail * Math.exp(load + endpoint.spread * drawNormal(random))
    session.tripFactor[i] = Math.exp(0.12 * drawNormal(random))
    session.edgeFails[i] = random() < 0.003 ? 1 : 0
    session.cloudFails[i] = random() < 0.01 ? 1 : 0
  }
  return session
}

/** Milliseconds that the device takes to read tokens, and to write the first one. */
export function readMs({ device, edgeFactor, edgeExtraMs }: TextSession, i: number, tokens: number): number {
  const perToken = (1_000 / device / readPerWritten) * (1 + readSlope * (tokens / 2))
  return (tokens + 8) * perToken * (edgeFactor[i] ?? 1) + (edgeExtraMs[i] ?? 0)
}

/** Milliseconds that the device takes to write a token behind so many. */
export const writeMs = ({ device, edgeFactor }: TextSession, i: number, context: number): number =>
  (1_000 / device) * (1 + writeSlope * context) * (edgeFactor[i] ?? 1)

export const tripMs = ({ recording, tripFactor, offsetS }: TextSession, i: number, atMs: number): number =>
  (recording.roundTripMs[rowAt(recording, offsetS + atMs / 1000)] ?? 50) * (tripFactor[i] ?? 1)

/** Milliseconds until what a server sends at `atMs` is here. */
export const arriveMs = ({ recording, offsetS }: TextSession, atMs: number, bytes: number): number =>
  1000 * transferS(recording.startS, recording.downlinkBps, offsetS + atMs / 1000, bytes * 8)

/** Milliseconds to the first token of request `i`, sent at `atMs` with so many tokens. */
export function cloudFirstMs(session: TextSession, i: number, atMs: number, tokens: number): number {
  const trip = tripMs(session, i, atMs)
  const { recording, offsetS } = session
  const bits = (headBytes + bytesPerToken * tokens) * 8
  const up = 1000 * transferS(recording.startS, recording.uplinkBps, offsetS + (atMs + trip / 2) / 1000, bits)
  const server = (session.serverMs[i] ?? 0) + tokens / serverReads
  const down = arriveMs(session, atMs + trip / 2 + up + server, chunkBytes)
  return Math.min(mostMs, trip + up + server + down)
}

import { createSeededRandom, drawNormal } from '../../src/utils/seeded-random.ts'
import { type RawRow, type Recording, toRecording } from './recordings.ts'

interface Kind {
  readonly network: string
  readonly medianMbps: number
  /** Spread of the logarithm between recordings, and within one. */
  readonly between: number
  readonly within: number
  /** Seconds over which a rate forgets. */
  readonly memoryS: number
  /** Chance in each second that the link goes away, and how long it then does. */
  readonly outage: number
  readonly outageS: number
  readonly roundTripMs: number
}

const kinds: readonly Kind[] = [
  {
    network: 'fixed',
    medianMbps: 20,
    between: 0.7,
    within: 0.25,
    memoryS: 60,
    outage: 0.0005,
    outageS: 3,
    roundTripMs: 20,
  },
  { network: '4G', medianMbps: 12, between: 0.6, within: 0.6, memoryS: 12, outage: 0.004, outageS: 4, roundTripMs: 50 },
  {
    network: '3G',
    medianMbps: 1.5,
    between: 0.5,
    within: 0.5,
    memoryS: 10,
    outage: 0.006,
    outageS: 6,
    roundTripMs: 90,
  },
  {
    network: 'wifi-walk',
    medianMbps: 25,
    between: 0.5,
    within: 1,
    memoryS: 15,
    outage: 0.01,
    outageS: 8,
    roundTripMs: 15,
  },
]

/** A small set of links made up for runs without recordings: a rate that wanders around its mean, and outages. */
export function makeRecordings(seed: number, perKind = 15): Recording[] {
  return kinds.flatMap((kind) =>
    Array.from({ length: perKind }, (_, index) => {
      const name = `synthetic-${kind.network}-${index + 100}`
      const random = createSeededRandom(seed * 7919 + index * 104_729 + kind.network.length * 31 + kind.roundTripMs)
      const level = Math.log(kind.medianMbps) + kind.between * drawNormal(random)
      const kept = Math.exp(-1 / kind.memoryS)
      let offset = kind.within * drawNormal(random)
      let away = 0
      const rows = Array.from({ length: 301 }, (_, second): RawRow => {
        offset = offset * kept + kind.within * Math.sqrt(1 - kept * kept) * drawNormal(random)
        if (random() < kind.outage) away = kind.outageS * (0.5 + random())
        away -= 1
        const downlinkMbps = away > 0 ? 0 : Math.exp(level + offset)
        const roundTripMs = kind.roundTripMs * Math.exp(0.1 * drawNormal(random))
        return { startS: second, downlinkMbps, uplinkMbps: undefined, roundTripMs, loss: undefined }
      })
      return toRecording(name, kind.network, rows)
    }),
  )
}

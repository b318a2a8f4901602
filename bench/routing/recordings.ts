import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSeededRandom, drawNormal } from '../../src/utils/seeded-random.ts'

/** A link over time: rows hold from their own second to the next one's, and the whole repeats. */
export interface Recording {
  readonly name: string
  /** What the split into tuning and reporting goes by: pieces of one drive are one recording. */
  readonly group: string
  readonly network: string
  /** Seconds at which each row begins, the first at 0; one more entry says where the last one ends. */
  readonly startS: Float64Array
  readonly uplinkBps: Float64Array
  readonly downlinkBps: Float64Array
  readonly roundTripMs: Float64Array
}

export interface RawRow {
  readonly startS: number
  readonly downlinkMbps: number | undefined
  readonly uplinkMbps: number | undefined
  readonly roundTripMs: number | undefined
  readonly loss: number | undefined
}

/** Where a recording has no uplink column, this share of its downlink is assumed. */
export const uplinkShare = 0.3
/** Round trips that are assumed where none was recorded, by the network's name. */
const assumedRoundTripMs: readonly (readonly [RegExp, number])[] = [
  [/3G/, 90],
  [/4G/, 50],
  [/5G/, 30],
  [/fixed|cable|fib|dsl/i, 20],
  [/LEO|sat/i, 45],
]
/** Where only round trips were recorded, rates are drawn around this median. */
const assumedUplinkMbps = 10
const nameHash = (text: string) => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // FNV-1a alone leaves names that differ at their end close together.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** 60 % of the recordings are for tuning, by their names: the same ones at every run. */
export const isForTuning = ({ group }: Pick<Recording, 'group'>): boolean => nameHash(group) % 100 < 60

const cell = (text: string | undefined): number | undefined => {
  if (text === undefined || text.trim() === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) && value >= 0 ? value : Number.NaN
}

/** @throws {Error} where the text is no recording: no rows, time running backwards, or what is no number */
export function parseRecording(csv: string): RawRow[] {
  const [header = '', ...lines] = csv.trim().split(/\r?\n/)
  const columns = header.split(',').map((column) => column.trim())
  const at = (column: string) => columns.indexOf(column)
  if (at('t_s') < 0) throw new Error('it has no column t_s')
  const rows = lines.map((line): RawRow => {
    const cells = line.split(',')
    const read = (column: string) => (at(column) < 0 ? undefined : cell(cells[at(column)]))
    const startS = read('t_s')
    const row = {
      downlinkMbps: read('dl_mbps'),
      uplinkMbps: read('ul_mbps'),
      roundTripMs: read('rtt_ms'),
      loss: read('loss'),
    }
    if (startS === undefined || [startS, ...Object.values(row)].some(Number.isNaN)) {
      throw new Error(`a row is no measurement: ${line.slice(0, 60)}`)
    }
    return { startS, ...row }
  })
  rows.forEach((row, index) => {
    const before = rows[index - 1]
    if (before !== undefined && row.startS <= before.startS) throw new Error(`time runs backwards at ${row.startS} s`)
  })
  if (rows.length < 3) throw new Error('it has fewer than two rows of measurements')
  return rows
}

/** Fills holes with what was measured last, and what was never measured with what is assumed of the network. */
export function toRecording(name: string, network: string, rows: readonly RawRow[]): Recording {
  const firstS = rows[0]?.startS ?? 0
  const count = rows.length - 1
  const [startS, uplinkBps, downlinkBps, roundTripMs] = [count + 1, count, count, count].map(
    (length) => new Float64Array(length),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array]
  const random = createSeededRandom(nameHash(name))
  const assumedTrip = assumedRoundTripMs.find(([pattern]) => pattern.test(network))?.[1] ?? 50
  const firstOf = (key: 'downlinkMbps' | 'uplinkMbps' | 'roundTripMs') =>
    rows.find((row) => row[key] !== undefined)?.[key]
  let down = firstOf('downlinkMbps')
  let up = firstOf('uplinkMbps')
  let trip = firstOf('roundTripMs') ?? assumedTrip
  const hasRates = down !== undefined || up !== undefined
  const hasUp = up !== undefined
  let drawn = 0.5 * drawNormal(random)
  rows.forEach((row, index) => {
    startS[index] = row.startS - firstS
    if (index === count) return
    const seconds = (rows[index + 1]?.startS ?? row.startS) - row.startS
    down = row.downlinkMbps ?? down
    up = row.uplinkMbps ?? up
    trip = row.roundTripMs ?? trip
    const kept = Math.exp(-seconds / 15)
    drawn = drawn * kept + 0.5 * Math.sqrt(1 - kept * kept) * drawNormal(random)
    const uplink = hasUp ? (up ?? 0) : hasRates ? uplinkShare * (down ?? 0) : assumedUplinkMbps * Math.exp(drawn)
    const passes = 1 - Math.min(1, row.loss ?? 0)
    uplinkBps[index] = uplink * passes * 1e6
    downlinkBps[index] = (down ?? uplink / uplinkShare) * passes * 1e6
    roundTripMs[index] = Math.max(1, trip)
  })
  return {
    name,
    group: name.replace(/(\.csv)?$/, '').replace(/_\d{1,2}$/, ''),
    network,
    startS,
    uplinkBps,
    downlinkBps,
    roundTripMs,
  }
}

/** Samples of an application and not of a link say nothing of what a request would find. */
const isOfLink = (network: string) => !/app/.test(network)

/** All recordings under a directory with a `manifest.json`; what can't be used is said and left out. */
export function loadRecordings(directory: string, print: (line: string) => void): Recording[] {
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as unknown
  if (!Array.isArray(manifest)) throw new Error(`${directory}/manifest.json is no list of recordings`)
  const recordings: Recording[] = []
  let ofApplications = 0
  for (const entry of manifest as { readonly file?: unknown; readonly network?: unknown }[]) {
    const [file, network] = [String(entry.file), String(entry.network)]
    if (!isOfLink(network)) {
      ofApplications += 1
      continue
    }
    try {
      recordings.push(toRecording(file, network, parseRecording(readFileSync(join(directory, file), 'utf8'))))
    } catch (error) {
      print(`left out: ${file}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (ofApplications > 0) print(`left out: ${ofApplications} recordings of applications, which are none of a link`)
  return recordings
}

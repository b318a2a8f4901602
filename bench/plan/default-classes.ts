import type { DeviceClass, LinkClass } from '../../src/routing/fleet/edge-platform-share.ts'
import { logNormal } from '../../src/utils/log-normal.ts'

/**
 * Speeds in multiply-accumulates a second. The fastest is what WASM with threads was measured at on two cores; the
 * others stand to it as the simulator's devices of 80, 300 and 1,000 ms do to the one of 15 ms.
 */
const speeds = [
  { name: 'fast laptop', macsPerSecond: 8.7e9 },
  { name: 'good phone', macsPerSecond: 1.63e9 },
  { name: 'plain phone', macsPerSecond: 4.35e8 },
  { name: 'old phone', macsPerSecond: 1.3e8 },
]
/** Between devices of one class: two in three within a factor of 1.6. */
const betweenDevices = 0.22
/** What a run costs before it computes: messages between threads, copies. */
const overheadMs = 1

/** A fleet in equal parts, its times from the model's multiply-accumulates. An assumption: measure yours. */
export const defaultDeviceClasses = (macs: number): DeviceClass[] =>
  speeds.map(({ name, macsPerSecond }) => ({
    name,
    share: 1,
    serviceMs: logNormal(overheadMs + (1000 * macs) / macsPerSecond, betweenDevices),
  }))

/** `15:0.5,300:0.5`: times of a run in milliseconds, and their shares. */
export function parseDeviceClasses(text: string): DeviceClass[] {
  return text.split(',').map((part) => {
    const [ms = '', share = '1'] = part.split(':')
    return { name: `${ms} ms`, share: Number(share), serviceMs: logNormal(Number(ms), betweenDevices) }
  })
}

const link = (name: string, downMbps: number, variance: number, roundTripMs: number): LinkClass => ({
  name,
  share: 1,
  roundTrip: logNormal(roundTripMs, 0.2),
  downlink: logNormal(downMbps * 1e6, variance),
  uplink: logNormal(0.3 * downMbps * 1e6, variance),
})

/**
 * Kinds of link. Rates: median and variance of the logarithm of recorded downlinks (HSDPA in Norway, LTE in Ghent,
 * commercial 5G, FCC fixed broadband; `../shared/traces`), the uplink taken as 0.3 of it. Round trips are assumed.
 */
export const defaultLinkClasses: readonly LinkClass[] = [
  link('3G', 0.78, 1.34, 90),
  link('4G', 25, 0.6, 50),
  link('5G', 206, 1.83, 40),
  link('fixed', 7.3, 1.93, 25),
]

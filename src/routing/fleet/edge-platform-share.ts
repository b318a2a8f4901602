import { ConfigError } from '../../errors/config-error.ts'
import type { LinkEstimate } from '../../network/link.ts'
import { type LogNormal, logNormal, meanOf } from '../../utils/log-normal.ts'
import { normalQuantile } from '../../utils/normal-share.ts'
import { cloudServiceTime } from '../learning/cost-models.ts'
import { sharedLinkWaitMs } from './shared-link.ts'
import { createWaitingLine, shareBelow } from './waiting-line.ts'

/** Devices of about one speed. */
export interface DeviceClass {
  readonly name: string
  /** Share of the fleet; the shares of all classes are scaled to 1. */
  readonly share: number
  /** C / speed of a device of the class, in milliseconds: its spread is that between devices. */
  readonly serviceMs: LogNormal
}

/** Links of one kind. */
export interface LinkClass extends LinkEstimate {
  readonly name: string
  readonly share: number
}

/** A fleet of devices, what it is asked, and the endpoint it can ask. */
export interface EdgePlatform {
  /** N. */
  readonly devices: number
  readonly requestsPerDeviceHour: number
  /** T, in milliseconds. */
  readonly deadlineMs: number
  readonly deviceClasses: readonly DeviceClass[]
  readonly linkClasses: readonly LinkClass[]
  /** Devices on one link: those of a household, an office, a train. Requests pass it one after the other. Default 1. */
  readonly devicesPerLink?: number
  /** Variance of a run's logarithm on one device, from run to run. */
  readonly runVariance: number
  readonly requestBytes: number
  readonly responseBytes: number
  /** Model and runtime, as they travel to a device. */
  readonly modelBytes: number
  /** How long a device keeps them: until a new revision, or until the browser drops them. */
  readonly keptHours: number
  /** Reading, compiling and warming up, in milliseconds. */
  readonly loadMs: number
  /** The endpoint's C / R, and the wait for one of its workers. */
  readonly cloud: { readonly service: LogNormal; readonly waitMs: number }
}

/** Where the requests of one kind of device on one kind of link are answered. */
export interface EdgePlatformCell {
  readonly device: string
  readonly link: string
  /** Share of all requests that comes from here. */
  readonly share: number
  /** Of those: answered at the edge; in time, routed as predicted; in time, were all at the edge or in the cloud. */
  readonly edgeShare: number
  readonly inTimeShare: number
  readonly edgeInTimeShare: number
  readonly cloudInTimeShare: number
}

/** What the fleet answers itself, and what that saves the cloud. */
export interface EdgePlatformShare {
  readonly cells: readonly EdgePlatformCell[]
  /** Share of requests answered at the edge, each on the side that is predicted to be faster. */
  readonly edgeShare: number
  /** Share that meets T, routed so; then were all at the edge, or all in the cloud. */
  readonly inTimeShare: number
  readonly edgeInTimeShare: number
  readonly cloudInTimeShare: number
  /** Share of requests that come while the model is on its way to the device; the cloud bridges them. */
  readonly bridgedShare: number
  readonly requestsPerSecond: number
  readonly cloudRequestsPerSecond: number
  /** What the cloud's workers need not compute, in seconds of one worker for each second. */
  readonly savedWorkers: number
  /** Bytes of requests and answers that stay on the devices, less those of the downloads, for 1,000 requests. Negative while downloads weigh more. */
  readonly savedBytesPer1000: number
}

/** Levels of a device's speed and of a link that each class is averaged over. */
const levels = 24

const levelsOf = ({ mu, variance }: LogNormal): number[] =>
  Array.from({ length: levels }, (_, index) =>
    Math.exp(mu + Math.sqrt(variance) * normalQuantile((index + 0.5) / levels)),
  )

const points = levels * levels

/** From download to download: the request that starts it, those until the model is ready, and those while it is kept. */
export function downloadCycle(
  { requestsPerDeviceHour, modelBytes, loadMs, keptHours }: EdgePlatform,
  downlinkBitsPerSecond: number,
): {
  /** Time until the model is ready. */
  readonly prepareMs: number
  /** Share of requests that find no model. */
  readonly bridged: number
  /** Downloads for each request. */
  readonly downloads: number
} {
  const prepareMs = (modelBytes * 8000) / downlinkBitsPerSecond + loadMs
  const meanwhile = 1 + (requestsPerDeviceHour * prepareMs) / 3_600_000
  const requests = meanwhile + requestsPerDeviceHour * keptHours
  return { prepareMs, bridged: meanwhile / requests, downloads: 1 / requests }
}

/**
 * ECP, the edge computing platform: what share of requests N devices answer themselves, what share meets T, and what
 * that saves the cloud.
 *
 *     ECP = g(T, C, B, N) = Σ over kinds of device and link: share · P(the faster of ECS and CCS ≤ T)
 *
 * A device's speed (C / speed: `serviceMs`) and its link (B) have levels, drawn from their classes; a request goes to
 * the side whose mean is smaller at these levels, as the router would with both known. Every device fetches the model. Each device is a line of its own
 * with one worker (`createWaitingLine`), so its load counts; where devices share a link, so does theirs
 * (`sharedLinkWaitMs`). N and the requests an hour make the load of the
 * endpoint, whose wait(M) is `cloud.waitMs`: `cloudPlatformPlan` and this function are solved together in
 * `npm run plan`. A model is fetched once in `keptHours`; requests that come meanwhile are bridged by the cloud.
 *
 * @throws {ConfigError} `config-invalid` for numbers that are none, classes without a share, or no time to keep a model
 */
export function edgePlatformShare(platform: EdgePlatform): EdgePlatformShare {
  const { devices, requestsPerDeviceHour, deadlineMs, runVariance, requestBytes, responseBytes, cloud } = platform
  check(platform)
  const perDeviceSecond = requestsPerDeviceHour / 3600
  const bytes = requestBytes + responseBytes
  const deviceTotal = platform.deviceClasses.reduce((sum, { share }) => sum + share, 0)
  const linkTotal = platform.linkClasses.reduce((sum, { share }) => sum + share, 0)
  const cells: EdgePlatformCell[] = []
  const bridge = { share: 0, downloads: 0 }
  const timesOf = (device: DeviceClass) =>
    levelsOf(device.serviceMs).map((ms) => {
      const service = logNormal(ms, runVariance)
      const line = createWaitingLine({ requestsPerSecond: perDeviceSecond, workers: 1, service })
      return { meanMs: meanOf(service) + line.meanWaitMs, inTime: line.shareWithin(deadlineMs) }
    })
  const devicesWithTimes = platform.deviceClasses.map((device) => ({ device, times: timesOf(device) }))
  /** Share of all devices that finish later at the edge than this. */
  const slowerThan = (ms: number) =>
    devicesWithTimes.reduce(
      (sum, { device, times }) =>
        sum + ((device.share / deviceTotal) * times.filter(({ meanMs }) => meanMs > ms).length) / levels,
      0,
    )
  const othersPerSecond = perDeviceSecond * ((platform.devicesPerLink ?? 1) - 1)
  const timeThere = (link: LinkClass, uplink: number, downlink: number) => {
    const at = (linkWaitMs: number) =>
      cloudServiceTime({
        requestBytes,
        responseBytes,
        link: { roundTrip: link.roundTrip, uplink: logNormal(uplink, 0), downlink: logNormal(downlink, 0) },
        waitMs: cloud.waitMs + linkWaitMs,
        service: cloud.service,
      })
    return at(
      sharedLinkWaitMs({
        othersPerSecond,
        transferMs: (requestBytes * 8000) / uplink,
        sentShare: (waitMs) => (Number.isFinite(waitMs) ? slowerThan(meanOf(at(waitMs))) : 0),
      }),
    )
  }
  const linksWithTimes = platform.linkClasses.map((link) => {
    const uplinks = levelsOf(link.uplink)
    // A link that is slow up is slow down: one level for both.
    const times = levelsOf(link.downlink).map((downlink, index) => ({
      downlink,
      there: timeThere(link, uplinks[index] ?? 1, downlink),
    }))
    return { link, times }
  })

  for (const { device, times } of devicesWithTimes) {
    for (const { link, times: linkTimes } of linksWithTimes) {
      const share = (device.share / deviceTotal) * (link.share / linkTotal)
      const sum = { edge: 0, routed: 0, edgeInTime: 0, cloudInTime: 0 }
      for (const { downlink, there } of linkTimes) {
        const cloudMs = meanOf(there)
        const cloudInTime = shareBelow(there, deadlineMs)
        const cycle = downloadCycle(platform, downlink)
        for (const { meanMs, inTime } of times) {
          const prefersEdge = meanMs <= cloudMs ? 1 : 0
          const edge = prefersEdge * (1 - cycle.bridged)
          sum.edge += edge
          sum.routed += edge * inTime + (1 - edge) * cloudInTime
          sum.edgeInTime += inTime
          sum.cloudInTime += cloudInTime
          bridge.share += (share * prefersEdge * cycle.bridged) / points
          bridge.downloads += (share * cycle.downloads) / points
        }
      }
      cells.push({
        device: device.name,
        link: link.name,
        share,
        edgeShare: sum.edge / points,
        inTimeShare: sum.routed / points,
        edgeInTimeShare: sum.edgeInTime / points,
        cloudInTimeShare: sum.cloudInTime / points,
      })
    }
  }

  const over = (pick: (cell: EdgePlatformCell) => number) =>
    cells.reduce((sum, cell) => sum + cell.share * pick(cell), 0)
  const edgeShare = over((cell) => cell.edgeShare)
  const requestsPerSecond = devices * perDeviceSecond
  return {
    cells,
    edgeShare,
    inTimeShare: over((cell) => cell.inTimeShare),
    edgeInTimeShare: over((cell) => cell.edgeInTimeShare),
    cloudInTimeShare: over((cell) => cell.cloudInTimeShare),
    bridgedShare: bridge.share,
    requestsPerSecond,
    cloudRequestsPerSecond: requestsPerSecond * (1 - edgeShare),
    savedWorkers: (requestsPerSecond * edgeShare * meanOf(cloud.service)) / 1000,
    savedBytesPer1000: 1000 * (edgeShare * bytes - bridge.downloads * platform.modelBytes),
  }
}

function check(platform: EdgePlatform): void {
  const { deviceClasses, linkClasses, cloud } = platform
  const positive = [
    platform.devices,
    platform.requestsPerDeviceHour,
    platform.deadlineMs,
    platform.keptHours,
    meanOf(cloud.service),
    ...deviceClasses.map(({ serviceMs }) => meanOf(serviceMs)),
    ...linkClasses.flatMap(({ roundTrip, uplink, downlink }) => [roundTrip, uplink, downlink].map(meanOf)),
  ]
  const atLeastZero = [
    platform.runVariance,
    platform.requestBytes,
    platform.responseBytes,
    platform.modelBytes,
    platform.loadMs,
    (platform.devicesPerLink ?? 1) - 1,
    cloud.waitMs,
    ...[...deviceClasses, ...linkClasses].map(({ share }) => share),
  ]
  const shared = (classes: readonly { readonly share: number }[]) => classes.some(({ share }) => share > 0)
  const sound =
    positive.every((number) => number > 0 && Number.isFinite(number)) &&
    atLeastZero.every((number) => number >= 0 && Number.isFinite(number)) &&
    shared(deviceClasses) &&
    shared(linkClasses)
  if (!sound)
    throw new ConfigError('config-invalid', 'A fleet is planned from positive numbers, and classes that have a share.')
}

import { downloadCycle, type EdgePlatform } from '../../src/routing/fleet/edge-platform-share.ts'
import { type LogNormal, meanOf } from '../../src/utils/log-normal.ts'
import { createRandom, drawNormal } from '../support/random.ts'
import { serveInLine } from './serve-in-line.ts'

/** What a simulated fleet did. */
export interface FleetRun {
  readonly devices: number
  readonly requests: number
  readonly edgeShare: number
  readonly bridgedShare: number
  readonly inTimeShare: number
  /** The endpoint with this many workers: the same arrivals each time. */
  line(workers: number): {
    readonly utilisation: number
    readonly chanceToWait: number
    readonly meanWaitMs: number
    readonly p95Ms: number
  }
}

/** Counted from here on: before, the lines are still filling. */
const warmUpShare = 0.2

function pickClass<T extends { readonly share: number }>(classes: readonly T[], random: () => number): T {
  const total = classes.reduce((sum, { share }) => sum + share, 0)
  let left = random() * total
  for (const one of classes) {
    left -= one.share
    if (left < 0) return one
  }
  const last = classes.at(-1)
  if (last === undefined) throw new RangeError('no classes')
  return last
}

/**
 * Plays a fleet request by request: each device with its own speed, link, queue and copy of the model, each request with
 * its own times. Each goes where its device predicts it to finish first; the endpoint's workers take from one line.
 *
 * @param options.requests how many are played, from all devices together
 * @param options.workers the endpoint's
 */
export function simulateFleet(
  platform: EdgePlatform,
  options: { readonly requests: number; readonly workers: number; readonly seed?: number },
): FleetRun {
  const { devices, requestsPerDeviceHour, deadlineMs, runVariance, requestBytes, responseBytes, cloud } = platform
  const random = createRandom(options.seed ?? 1)
  const draw = ({ mu, variance }: LogNormal) => Math.exp(mu + Math.sqrt(variance) * drawNormal(random))
  const keptMs = platform.keptHours * 3_600_000
  const gapMs = 3_600_000 / requestsPerDeviceHour

  const runMs = new Float64Array(devices)
  const uplink = new Float64Array(devices)
  const downlink = new Float64Array(devices)
  const perLink = Math.max(1, Math.round(platform.devicesPerLink ?? 1))
  /** When the last request that was sent over each link has passed it. */
  const linkBusyUntil = new Float64Array(Math.ceil(devices / perLink))
  const tripMu = new Float64Array(devices)
  const tripVariance = new Float64Array(devices)
  const busyUntil = new Float64Array(devices)
  /** The model is on the device from `readyAt` to `keptUntil`. */
  const readyAt = new Float64Array(devices)
  const keptUntil = new Float64Array(devices)
  for (let device = 0; device < devices; device += 1) {
    const first = device - (device % perLink)
    if (first === device) {
      const link = pickClass(platform.linkClasses, random)
      // One level for both ways, as in the formula.
      const z = drawNormal(random)
      uplink[device] = Math.exp(link.uplink.mu + Math.sqrt(link.uplink.variance) * z)
      downlink[device] = Math.exp(link.downlink.mu + Math.sqrt(link.downlink.variance) * z)
      tripMu[device] = link.roundTrip.mu
      tripVariance[device] = link.roundTrip.variance
    } else {
      for (const values of [uplink, downlink, tripMu, tripVariance]) values[device] = values[first] ?? 0
    }
    runMs[device] = draw(pickClass(platform.deviceClasses, random).serviceMs)
    const { prepareMs } = downloadCycle(platform, downlink[device] ?? 1)
    // In the middle of its life: somewhere in the cycle of no model, its download, its time here.
    keptUntil[device] = random() * (keptMs + prepareMs + gapMs) - prepareMs - gapMs
  }

  const meanRun = Math.exp(runVariance / 2)
  const serviceMean = meanOf(cloud.service)
  const requests = Math.round(options.requests)
  const everyMs = gapMs / devices
  const arriveMs = new Float64Array(requests)
  const serviceMs = new Float64Array(requests)
  const networkMs = new Float64Array(requests)
  const firstCounted = Math.floor(requests * warmUpShare)
  let sent = 0
  let sentCounted = 0
  const count = { edge: 0, bridged: 0, inTime: 0 }
  let now = 0
  for (let request = 0; request < requests; request += 1) {
    now -= everyMs * Math.log(1 - random())
    const device = Math.floor(random() * devices)
    const counted = request >= firstCounted
    const [mine = 1, up = 1, down = 1, mu = 0] = [runMs[device], uplink[device], downlink[device], tripMu[device]]
    if (now > (keptUntil[device] ?? 0)) {
      const { prepareMs } = downloadCycle(platform, down)
      readyAt[device] = now + prepareMs
      keptUntil[device] = now + prepareMs + keptMs
    }
    const isHere = now >= (readyAt[device] ?? 0)
    const waitMs = Math.max(0, (busyUntil[device] ?? 0) - now)
    const transferMs = (requestBytes * 8000) / up + (responseBytes * 8000) / down
    const variance = tripVariance[device] ?? 0
    const onLink = Math.floor(device / perLink)
    // Alone on a link, a device's own requests do not wait for each other in the formula either.
    const linkWaitMs = perLink === 1 ? 0 : Math.max(0, (linkBusyUntil[onLink] ?? 0) - now)
    const cloudMs = Math.exp(mu + variance / 2) + linkWaitMs + transferMs + cloud.waitMs + serviceMean
    const prefersEdge = waitMs + mine * meanRun <= cloudMs
    if (prefersEdge && isHere) {
      const took = waitMs + mine * Math.exp(Math.sqrt(runVariance) * drawNormal(random))
      busyUntil[device] = now + took
      if (counted) {
        count.edge += 1
        if (took <= deadlineMs) count.inTime += 1
      }
      continue
    }
    const tripMs = Math.exp(mu + Math.sqrt(variance) * drawNormal(random))
    const upMs = (requestBytes * 8000) / up
    linkBusyUntil[onLink] = now + linkWaitMs + upMs
    arriveMs[sent] = now + tripMs / 2 + linkWaitMs + upMs
    serviceMs[sent] = draw(cloud.service)
    networkMs[sent] = counted ? tripMs + linkWaitMs + transferMs : -1
    sent += 1
    if (counted) {
      sentCounted += 1
      if (prefersEdge) count.bridged += 1
    }
  }

  const serve = (workers: number) => serveInLine({ arriveMs, serviceMs, count: sent, workers, untilMs: now })
  const planned = serve(options.workers)
  for (let index = 0; index < sent; index += 1) {
    const network = networkMs[index] ?? -1
    if (network >= 0 && network + (planned.tookMs[index] ?? 0) <= deadlineMs) count.inTime += 1
  }
  const counted = requests - firstCounted
  return {
    devices,
    requests: counted,
    edgeShare: count.edge / counted,
    bridgedShare: count.bridged / counted,
    inTimeShare: count.inTime / counted,
    line(workers) {
      const served = workers === options.workers ? planned : serve(workers)
      const first = sent - sentCounted
      const took = served.tookMs.slice(first, sent).sort()
      let waited = 0
      let waitMs = 0
      for (let index = first; index < sent; index += 1) {
        const wait = (served.tookMs[index] ?? 0) - (serviceMs[index] ?? 0)
        if (wait > 1e-6) waited += 1
        waitMs += wait
      }
      return {
        utilisation: served.utilisation,
        chanceToWait: waited / sentCounted,
        meanWaitMs: waitMs / sentCounted,
        p95Ms: took[Math.floor(0.95 * (took.length - 1))] ?? Number.NaN,
      }
    },
  }
}

import { type LogNormal, logNormal } from '../../src/utils/log-normal.ts'
import type { BenchFlags } from '../support/bench.ts'
import { defaultDeviceClasses, defaultLinkClasses, parseDeviceClasses } from './default-classes.ts'
import type { FleetRequest } from './plan-fleet.ts'

/** What a run of the model is like: from its manifest, and measured. */
export interface PlannedModel {
  readonly macs: number
  readonly bytes: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly service: LogNormal
}

/** The runtime's WASM file as it travels, brotli. */
const runtimeBytes = 2.7e6
/** Run to run on one device: two in three within a factor of 1.2. */
const runVariance = 0.03

/** Reads the flags of `npm run plan`. Throws a sentence for one that is no number. */
export function parseRequest(flags: BenchFlags, model: PlannedModel): FleetRequest {
  const number = (name: string, otherwise: number) => {
    const text = flags.value(name)
    const value = text === undefined ? otherwise : Number(text)
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`--${name} is no number above zero: ${text}`)
    return value
  }
  const fleet = flags.value('device-ms')
  const deviceClasses = fleet === undefined ? defaultDeviceClasses(model.macs) : parseDeviceClasses(fleet)
  const service = flags.has('cloud-ms') ? logNormal(number('cloud-ms', 1), 0.03) : model.service
  const deadlineMs = number('deadline-ms', 300)
  return {
    platform: {
      devices: Math.round(number('devices', 1000)),
      requestsPerDeviceHour: number('requests-per-device-hour', 60),
      deadlineMs,
      deviceClasses,
      linkClasses: defaultLinkClasses,
      devicesPerLink: Math.max(1, Math.round(number('devices-per-link', 1))),
      runVariance,
      requestBytes: number('request-bytes', model.requestBytes),
      responseBytes: number('response-bytes', model.responseBytes),
      modelBytes: number('model-bytes', model.bytes) + runtimeBytes,
      keptHours: number('kept-hours', 720),
      loadMs: number('load-ms', 1000),
    },
    cloud: {
      service,
      p95Ms: number('p95-ms', 3 * Math.exp(service.mu)),
      prices: { workerHour: number('worker-hour-price', 0.05), gigabyte: number('gigabyte-price', 0.09) },
    },
    peak: number('peak', 2),
  }
}

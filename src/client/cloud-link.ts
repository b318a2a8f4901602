import { type CloudArm, createCloudArm } from '../cloud/create-cloud-arm.ts'
import type { LinkReport } from '../contracts/measurements.ts'
import { createLink, type Link } from '../network/link.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import type { EndpointOptions } from './types.ts'
import { createWireFormRuns, type WireFormRuns } from './wire-form-runs.ts'

/** Which of the endpoint's models are known; asked again after this time, as an operator may add one. */
const modelKnownMs = 60_000
/** The first ping also opens the connection, so that its time says little: the later ones count. */
const pings = 3

/** The endpoint, the link to it, and what is known of both. */
export interface CloudLink {
  readonly arm: CloudArm
  readonly link: Link
  readonly wireForms: WireFormRuns
  hasModel(model: string): boolean | 'unknown'
  lacksModel(model: string): void
  /** The part of a model's request that goes over the wire after compression, as last seen; 1 before. */
  wireShare(model: string): number
  observeWireShare(model: string, share: number): void
  /** Measures the round trip and asks for the model, when that is not known freshly. Never rejects, waits for nothing. */
  refresh(model: string): void
}

export function createCloudLink(
  endpoint: EndpointOptions,
  watcher: NetworkWatcher,
  onLink: (report: LinkReport) => void,
): CloudLink {
  const arm = createCloudArm({ url: new URL(endpoint.url, globalThis.location?.href), token: endpoint.token })
  const link = createLink({ connection: watcher.connection, onlineSource: watcher })
  const models = new Map<string, { readonly has: boolean; readonly atMs: number }>()
  const wireShares = new Map<string, number>()
  const asking = new Set<string>()

  const once = async (key: string, work: () => Promise<void>) => {
    if (asking.has(key)) return
    asking.add(key)
    try {
      await work()
    } catch {
      // An endpoint that cannot be asked now shows when a request needs it.
    } finally {
      asking.delete(key)
    }
  }

  return {
    arm,
    link,
    wireForms: createWireFormRuns(),
    hasModel: (model) => models.get(model)?.has ?? 'unknown',
    lacksModel(model) {
      models.set(model, { has: false, atMs: Date.now() })
    },
    wireShare: (model) => wireShares.get(model) ?? 1,
    observeWireShare(model, share) {
      wireShares.set(model, Math.min(1, share))
    },
    refresh(model) {
      if (!watcher.online) return
      if (link.isStale()) {
        void once('', async () => {
          for (let index = 0; index < pings; index += 1) {
            const { roundTripMs } = await arm.ping()
            if (index > 0) link.observePing(roundTripMs)
          }
          onLink(link.report())
        })
      }
      if (Date.now() - (models.get(model)?.atMs ?? Number.NEGATIVE_INFINITY) > modelKnownMs) {
        void once(`model ${model}`, async () => {
          models.set(model, { has: await arm.hasModel(model), atMs: Date.now() })
        })
      }
    },
  }
}

import { endpointName } from '../../cloud/base-url.ts'
import { type CloudArm, createCloudArm } from '../../cloud/create-cloud-arm.ts'
import { createLink, type Link } from '../../network/link.ts'
import type { NetworkWatcher } from '../../network/network-watcher.ts'
import { createOverdueRequests, type OverdueRequests } from '../../network/overdue-requests.ts'
import { createRouteLearner, type RouteLearner } from '../../routing/learning/route-learner.ts'
import { baseAddress } from '../../utils/page-address.ts'
import type { EndpointOptions } from '../types/client-options.ts'
import { createWireFormRuns, type WireFormRuns } from './wire-form-runs.ts'

/** Whether the endpoint has a model is asked again after this time, as an operator may add one. */
const modelKnownMs = 60_000
/** The first ping also opens the connection, so that its time says little: the later ones count. */
const pings = 3
/** What a probe of the way up sends. */
const probeBytes = 16_384
/** How often an endpoint is asked for its queue and speed at most. */
const capacityKnownMs = 30_000

/** One endpoint, the link to it, and all that is measured of both. */
export interface CloudLink {
  /** Its address: what the router and the records call it. */
  readonly name: string
  readonly region: string | undefined
  /** Money for one request. */
  readonly moneyPerRequest: number
  readonly arm: CloudArm
  readonly link: Link
  /** Learns from requests that are not answered yet. */
  readonly overdue: OverdueRequests
  readonly wireForms: WireFormRuns
  /** Times of this endpoint's runs. */
  readonly learner: RouteLearner
  hasModel(model: string): boolean | 'unknown'
  lacksModel(model: string): void
  /** The part of a model's request that goes over the wire after compression, as last seen; 1 before. */
  wireShare(model: string): number
  observeWireShare(model: string, share: number): void
  /** Measures the round trip, asks for the model and for the endpoint's queue, where that is not known freshly. Never rejects. */
  refresh(model: string): Promise<void>
  /** Measures the round trip now, and the way up where the endpoint takes that. Never rejects. */
  measure(): Promise<void>
  /** Measures the way up with a few bytes that mean nothing, where the endpoint takes such. Never rejects, waits for nothing. */
  probe(): void
}

export function createCloudLink(
  endpoint: EndpointOptions,
  watcher: NetworkWatcher,
  onLink: () => void,
  fetch?: typeof globalThis.fetch,
): CloudLink {
  const { token, sealed, traceparent } = endpoint
  const url = new URL(endpoint.url, baseAddress())
  const arm = createCloudArm({
    url,
    token,
    sealed,
    traceparent,
    fetch,
  })
  const link = createLink({ connection: watcher.connection, onlineSource: watcher })
  const learner = createRouteLearner()
  const models = new Map<string, { readonly has: boolean; readonly atMs: number }>()
  const wireShares = new Map<string, number>()
  const asking = new Set<string>()
  const capacity = { atMs: Number.NEGATIVE_INFINITY, isGiven: undefined as boolean | undefined }

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

  const askCapacity = async () => {
    capacity.atMs = Date.now()
    const said = await arm.capacity().catch(() => undefined)
    // A server without such a report is not asked again.
    capacity.isGiven = said !== undefined
    if (said === undefined) return
    const times = said.models.map(({ name, version, service }) => [`${name}@${version}`, service] as const)
    learner.assumeCloud({ waitMs: said.waitMs, models: new Map(times) })
  }

  const ping = async () => {
    for (let index = 0; index < pings; index += 1) {
      const { roundTripMs } = await arm.ping()
      if (index > 0) link.observePing(roundTripMs)
    }
    onLink()
    if (capacity.isGiven !== false && Date.now() - capacity.atMs > capacityKnownMs) await askCapacity()
  }
  const probe = async () => {
    const { totalMs, serverMs } = await arm.probe(probeBytes)
    link.observeRequest({ requestBytes: probeBytes, responseBytes: 0, totalMs, serverMs })
    onLink()
  }

  return {
    name: endpointName(url),
    region: endpoint.region,
    moneyPerRequest: (endpoint.moneyPer1000 ?? 0) / 1000,
    arm,
    link,
    overdue: createOverdueRequests(link),
    wireForms: createWireFormRuns(),
    learner,
    hasModel: (model) => models.get(model)?.has ?? 'unknown',
    lacksModel(model) {
      models.set(model, { has: false, atMs: Date.now() })
    },
    wireShare: (model) => wireShares.get(model) ?? 1,
    observeWireShare(model, share) {
      wireShares.set(model, Math.min(1, share))
    },
    async refresh(model) {
      if (!watcher.online) return
      const asked: Promise<void>[] = []
      if (link.isStale()) asked.push(once('', ping))
      if (Date.now() - (models.get(model)?.atMs ?? Number.NEGATIVE_INFINITY) > modelKnownMs) {
        const ask = async () => void models.set(model, { has: await arm.hasModel(model), atMs: Date.now() })
        asked.push(once(`model ${model}`, ask))
      }
      if (asked.length > 0) await Promise.all(asked)
    },
    async measure() {
      if (!watcher.online) return
      await once('', ping)
      if (capacity.isGiven === true) await once('probe', probe)
    },
    probe() {
      if (!watcher.online || watcher.saveData || capacity.isGiven !== true) return
      void once('probe', probe)
    },
  }
}

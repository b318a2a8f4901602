import { detectWebgpu } from '../../../device/detect-webgpu.ts'
import { type Catalogue, createCatalogue } from '../../../models/catalogue/catalogue.ts'
import { createModelRegistry, type ModelRegistry } from '../../../models/catalogue/model-registry.ts'
import { createOperatorWithdrawals, type OperatorWithdrawals } from '../../../models/catalogue/operator-withdrawals.ts'
import { openRecords, type Records } from '../../../models/chunks/open-records.ts'
import type { VariantOffer } from '../../../models/manifest/pick-variant.ts'
import { type ModelStore, openModelStore } from '../../../models/store/model-store.ts'
import { createTrafficMeter, type Traffic, type TrafficMeter } from '../../../models/transfer/traffic-meter.ts'
import { lazy } from '../../../utils/lazy.ts'
import { lazyPart } from '../../../utils/lazy-part.ts'
import type { BackgroundSettings } from './background-types.ts'

/** What the second worker's methods stand on. */
export interface OpenedModels {
  readonly records: Records
  readonly store: ModelStore
  readonly catalogue: Catalogue
  readonly registry: ModelRegistry
  readonly told: OperatorWithdrawals
  readonly offer: () => Promise<VariantOffer>
  /** What earlier visits left and no list shows is freed: once a visit, a little after the start. Never rejects. */
  readonly orphansFreed: () => Promise<void>
  readonly meter: TrafficMeter
  /** The `Authorization` header for an address; only its own origin's token. */
  readonly authorize: (url: string) => Promise<string | undefined>
}

/** A file of its own, as no request waits for it. */
const freeing = lazyPart('frees what was left', () => import('../../../models/catalogue/free-unlisted.ts'))

/** By then a page's first request has the disk no more, in milliseconds. */
const freeOrphansAfterMs = 5_000

/** Opens records, store and catalogue. Never rejects: without IndexedDB all works from memory. */
export async function openModels(
  settings: BackgroundSettings,
  token: (origin: string) => string | undefined | Promise<string | undefined>,
  onTraffic: (traffic: Traffic) => void,
): Promise<OpenedModels> {
  const { catalogUrl, backends, memoryBytes, tokenOrigins, network: _, ...download } = settings
  const authorize = async (url: string) => {
    const { origin } = new URL(url)
    const value = tokenOrigins.includes(origin) ? await token(origin) : undefined
    return value === undefined ? undefined : `Bearer ${value}`
  }
  const records = await openRecords()
  const meter = createTrafficMeter(onTraffic)
  const store = await openModelStore({ ...download, records, authorize, meter })
  const catalogue = createCatalogue({ url: catalogUrl, records, authorize })
  const offer = async () => ({ backends, memoryBytes, adapter: (await detectWebgpu())?.facts })
  const told = createOperatorWithdrawals(records)
  const registry = createModelRegistry({ catalogue, store, offer, withdrawnByOperators: told.list })
  const freed = lazy(async () => (await freeing.get()).freeUnlisted({ store, records }))
  // The next visit tries again.
  const orphansFreed = () => freed.get().catch(() => {})
  setTimeout(orphansFreed, freeOrphansAfterMs)
  return { records, store, catalogue, registry, told, offer, authorize, meter, orphansFreed }
}

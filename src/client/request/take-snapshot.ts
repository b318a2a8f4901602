import type { Manifest } from '../../contracts/manifest.ts'
import type { ModelState } from '../../contracts/model-state.ts'
import type { Privacy, RouteKnowledge } from '../../contracts/route.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { CloudOption, EdgeOption, RouterSnapshot } from '../../routing/router-types.ts'
import { logNormal, meanOf } from '../../utils/log-normal.ts'
import type { CloudLink } from '../cloud/cloud-link.ts'
import { cloudPrice, edgePrice } from './arm-prices.ts'
import type { RequestParts } from './request-context.ts'

/** What a model that failed with these codes lacks, this device will lack at the next try, too. */
const lastingCodes: ReadonlySet<string> = new Set([
  'no-backend',
  'model-unsupported',
  'model-set-aside',
  'license-not-accepted',
])
const isLasting = (state: ModelState) => state.status === 'failed' && lastingCodes.has(state.code)
/** A run that takes longer than it was expected to still has this to go: a tenth. */
const mostDoneShare = 0.9
/** An answer's bytes before there was one. */
const assumedAnswerBytes = 2_000

export interface SnapshotRequest {
  readonly privacy: Privacy
  /** Milliseconds left for an answer. */
  readonly deadlineMs?: number | undefined
  readonly requestBytes: number
  /** The inputs are handed over to the edge: no second run can have them. */
  readonly once?: boolean | undefined
  /** The request's own run is under way on this device already. */
  readonly isAhead?: boolean | undefined
}

function edgeOption(parts: RequestParts, manifest: Manifest, state: ModelState, waiting: number): EdgeOption {
  const { edge, learner, clouds } = parts
  const forecast = edge.forecast(manifest)
  if (forecast === undefined) return { status: 'unavailable' }
  const loaded = edge.loaded(manifest)
  const backend = loaded?.backend ?? forecast.backend
  const key = modelKey(manifest)
  if (!learner.knowsEdge(key, backend)) {
    if (loaded !== undefined) learner.assumeEdge(key, backend, logNormal(loaded.warmupMs + 1, 0.1))
    else if (forecast.ms !== undefined) learner.assumeEdge(key, backend, logNormal(forecast.ms + 1, 0.5))
  }
  const alone = learner.edgeTime({ model: key, backend })
  const computeMs = meanOf(alone)
  // The run that is under way is over in a while, if not quite when it was expected.
  const doneMs = waiting === 0 ? 0 : Math.min(edge.busyForMs(manifest), mostDoneShare * computeMs)
  const waitMs = waiting * computeMs - doneMs
  if (state.status === 'ready') {
    const time = waitMs > 0 ? learner.edgeTime({ model: key, backend, waitMs }) : alone
    const usual = learner.edgeUsual(key, backend)
    return { status: 'ready', time, busyMs: computeMs, waitMs, ...usual, ...edgePrice({ computeMs, downloadBytes: 0 }) }
  }
  const totalBytes = totalBytesOf(manifest)
  const isStored = state.status === 'stored' || state.status === 'loading'
  const loadedBytes = isStored ? totalBytes : state.status === 'downloading' ? state.loadedBytes : 0
  // Models come from the catalogue's server; the endpoints' downlink is the nearest thing that was measured.
  const downlink = clouds[0]?.link.estimate().downlink ?? logNormal(15e6, 1.2)
  const remainingBytes = totalBytes - loadedBytes
  const time = learner.edgeTime({ model: key, backend, waitMs, preparation: { remainingBytes, downlink } })
  // A model that failed may load at the next try; one whose failure is this browser's lack may not.
  // A paused download goes on when the person says so, not when a request comes.
  if (isLasting(state) || state.status === 'paused') return { status: 'unavailable', time }
  return {
    status: state.status === 'failed' ? 'absent' : state.status,
    cloudByDefault: manifest.defaultArm === 'cloud',
    time,
    ...edgePrice({ computeMs, downloadBytes: remainingBytes }),
  }
}

function cloudOption(cloud: CloudLink, manifest: Manifest, requestBytes: number): CloudOption {
  const wireBytes = requestBytes * cloud.wireShare(manifest.name)
  const time = cloud.learner.cloudTime({
    model: modelKey(manifest),
    requestBytes: wireBytes,
    link: cloud.link.estimate(),
  })
  const { moneyPerRequest } = cloud
  return {
    endpoint: cloud.name,
    hasModel: cloud.hasModel(manifest.name),
    time,
    ageMs: cloud.link.report().ageMs,
    ...cloudPrice({ moneyPerRequest, totalMs: meanOf(time), wireBytes: wireBytes + assumedAnswerBytes }),
  }
}

function knowledgeOf(
  parts: RequestParts,
  snapshot: RouterSnapshot,
  edgeWaiting: number,
  requestBytes: number,
): RouteKnowledge {
  return {
    online: snapshot.online,
    saveData: snapshot.saveData,
    savePower: snapshot.savePower === true,
    edgeStatus: snapshot.edge.status,
    edgeWaiting,
    requestBytes,
    links: snapshot.clouds.flatMap(({ endpoint }) => {
      const cloud = parts.clouds.find(({ name }) => name === endpoint)
      if (cloud === undefined) return []
      const { online: _, saveData: __, samples: ___, ...measured } = cloud.link.report()
      return [{ endpoint, ...(cloud.region === undefined ? {} : { region: cloud.region }), ...measured }]
    }),
  }
}

/** What is known now about a request. */
export interface TakenSnapshot {
  /** All that the decision rests on. */
  readonly snapshot: RouterSnapshot
  /** The part of it that the record shows. */
  readonly known: RouteKnowledge
  /** Why the model does not come to this device, as a sentence; absent where it may. */
  readonly edgeLacks?: string
}

/** Looks at all that the routing of a request rests on. */
export async function takeSnapshot(
  parts: RequestParts,
  manifest: Manifest,
  request: SnapshotRequest,
): Promise<TakenSnapshot> {
  const { privacy, requestBytes, deadlineMs, once = false, isAhead = false } = request
  // Content-free, but an edge-only request should not even be a reason to call an endpoint, nor know of one.
  const allowed = privacy === 'edge-only' ? [] : parts.clouds
  if (allowed.length > 0) parts.notices.start()
  const notices = allowed.flatMap(({ name }) => parts.notices.closed(name) ?? [])
  const clouds = allowed.filter(({ name }) => !notices.some(({ endpoint }) => endpoint === name))
  for (const cloud of clouds) {
    cloud.refresh(manifest.name)
    cloud.overdue.teachLink()
  }
  const asksEdge = privacy !== 'cloud-only'
  if (asksEdge) await parts.edge.ready(manifest)
  const state: ModelState = asksEdge ? await parts.edgeModels.state(manifest) : { status: 'absent' }
  const waiting = Math.max(0, parts.edge.waiting(manifest) - (isAhead ? 1 : 0))
  const snapshot: RouterSnapshot = {
    model: manifest.name,
    privacy,
    online: parts.watcher.online,
    saveData: parts.watcher.saveData,
    deadlineMs,
    edge: edgeOption(parts, manifest, state, waiting),
    clouds: clouds.map((cloud) => cloudOption(cloud, manifest, requestBytes)),
    cloudClosed: allowed.length > 0 && clouds.length === 0,
    savePower: parts.power.savePower,
    once,
  }
  const known = knowledgeOf(parts, snapshot, waiting, requestBytes)
  return {
    snapshot,
    known: notices.length === 0 ? known : { ...known, notices },
    ...(state.status === 'failed' && isLasting(state) ? { edgeLacks: state.message } : {}),
  }
}

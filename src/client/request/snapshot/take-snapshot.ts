import type { Manifest } from '../../../contracts/manifest.ts'
import type { ModelState } from '../../../contracts/model-state.ts'
import type { Privacy, RouteKnowledge, RoutePreparation } from '../../../contracts/route.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { totalBytesOf } from '../../../models/manifest/total-bytes.ts'
import type { CloudOption, EdgeOption, RouterSnapshot } from '../../../routing/router-types.ts'
import { given } from '../../../utils/given.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { cloudPrice, edgePrice } from './arm-prices.ts'
import type { CloudKnowledge, EdgeKnowledge, Knowledge } from './knowledge.ts'

/** Permanent failures: retrying on this device can't help. */
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

/** What the request itself adds to what is known. */
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

/** The edge as the router takes it, and what of its prediction was measured. */
interface SeenEdge {
  readonly option: EdgeOption
  readonly edgeMeasured?: boolean
  readonly preparation?: RoutePreparation
}

function seeEdge(edge: EdgeKnowledge, manifest: Manifest, waiting: number): SeenEdge {
  const { state, backend, prior, times, busyForMs, isRunMeasured } = edge
  if (backend === undefined) return { option: { status: 'unavailable' } }
  const model = modelKey(manifest)
  const alone = times.edgeTime({ model, backend, prior })
  const computeMs = meanOf(alone)
  // The run that is under way is over in a while, if not quite when it was expected.
  const doneMs = waiting === 0 ? 0 : Math.min(busyForMs, mostDoneShare * computeMs)
  const waitMs = waiting * computeMs - doneMs
  if (state.status === 'ready') {
    const time = waitMs > 0 ? times.edgeTime({ model, backend, prior, waitMs }) : alone
    const usual = times.edgeUsual(model, backend, prior)
    const price = edgePrice({ computeMs, downloadBytes: 0 })
    return {
      option: { status: 'ready', time, busyMs: computeMs, waitMs, ...usual, ...price },
      edgeMeasured: isRunMeasured,
    }
  }
  const totalBytes = totalBytesOf(manifest)
  const isStored = state.status === 'stored' || state.status === 'loading'
  const loadedBytes = isStored ? totalBytes : state.status === 'downloading' ? state.loadedBytes : 0
  const left = edge.prepare(totalBytes - loadedBytes, computeMs)
  const time = times.edgeTime({ model, backend, prior, waitMs, preparation: left })
  const preparation = {
    remainingBytes: Math.round(left.remainingBytes),
    bitsPerSecond: Math.exp(left.downlink.mu),
    rateMeasured: left.isRateMeasured,
  }
  // A model that failed may load at the next try; one whose failure is this browser's lack may not.
  // A paused download goes on when the person says so, not when a request comes.
  if (isLasting(state) || state.status === 'paused') return { option: { status: 'unavailable', time } }
  const option = {
    status: state.status === 'failed' ? 'absent' : state.status,
    cloudByDefault: manifest.defaultArm === 'cloud',
    time,
    ...edgePrice({ computeMs, downloadBytes: left.remainingBytes }),
  } as const
  return { option, edgeMeasured: left.isMeasured, preparation }
}

function cloudOption(cloud: CloudKnowledge, manifest: Manifest, requestBytes: number): CloudOption {
  const { moneyPerRequest, link, times } = cloud
  const wireBytes = requestBytes * cloud.wireShare
  const time = times.cloudTime({ model: modelKey(manifest), requestBytes: wireBytes, link })
  return {
    endpoint: cloud.name,
    hasModel: cloud.hasModel,
    time,
    ageMs: cloud.report.ageMs,
    ...cloudPrice({ moneyPerRequest, totalMs: meanOf(time), wireBytes: wireBytes + assumedAnswerBytes }),
  }
}

const linkOf = (cloud: CloudKnowledge, manifest: Manifest): RouteKnowledge['links'][number] => {
  const { name, region, report, times } = cloud
  const { online: _, saveData: __, samples, ...shown } = report
  return {
    endpoint: name,
    ...given({ region }),
    ...shown,
    measured: samples > 0 && times.knowsCloud(modelKey(manifest)),
  }
}

/** What is known now about a request, as the router and the record take it. */
export interface TakenSnapshot {
  /** All that the decision rests on. */
  readonly snapshot: RouterSnapshot
  /** The part of it that the record shows. */
  readonly known: RouteKnowledge
  /** Why the model does not come to this device, as a sentence; absent where it may. */
  readonly edgeLacks?: string
}

/** Puts together what is known for the router. Pure: the same knowledge and request give the same snapshot. */
export function takeSnapshot(knowledge: Knowledge, manifest: Manifest, request: SnapshotRequest): TakenSnapshot {
  const { online, saveData, savePower, edge, clouds, closed } = knowledge
  const { privacy, requestBytes, deadlineMs, once = false, isAhead = false } = request
  const edgeWaiting = Math.max(0, edge.waiting - (isAhead ? 1 : 0))
  const { option, ...seen } = seeEdge(edge, manifest, edgeWaiting)
  return {
    snapshot: {
      model: manifest.name,
      privacy,
      online,
      saveData,
      deadlineMs,
      edge: option,
      clouds: clouds.map((cloud) => cloudOption(cloud, manifest, requestBytes)),
      cloudClosed: closed.length > 0 && clouds.length === 0,
      savePower,
      once,
    },
    known: {
      online,
      saveData,
      savePower,
      edgeStatus: option.status,
      edgeWaiting,
      requestBytes,
      ...seen,
      links: clouds.map((cloud) => linkOf(cloud, manifest)),
      ...(closed.length === 0 ? {} : { notices: closed }),
    },
    ...(edge.state.status === 'failed' && isLasting(edge.state) ? { edgeLacks: edge.state.message } : {}),
  }
}

import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import type { PowerWatcher } from '../../../device/power-watcher.ts'
import type { EdgeEngine } from '../../../edge/edge-types.ts'
import type { DownloadRates } from '../../../network/download-rates.ts'
import type { NetworkWatcher } from '../../../network/network-watcher.ts'
import type { ResourceWatch } from '../../../network/watch-resources.ts'
import type { PreparationLearner } from '../../../routing/learning/preparation-learner.ts'
import type { RouteLearner } from '../../../routing/learning/route-learner.ts'
import type { Router } from '../../../routing/router-types.ts'
import type { ModelSource } from '../../background/worker/background-types.ts'
import type { CloudLink } from '../../cloud/cloud-link.ts'
import type { EdgeModels } from '../../edge/edge-models.ts'
import type { Notices } from '../../notices/notice-poll.ts'

/** The arms, and what is measured, learned and decided about them: all that a request works with. */
export interface RequestContext {
  readonly edge: EdgeEngine
  readonly edgeModels: EdgeModels
  /** The endpoints, in the order in which the site named them. */
  readonly clouds: readonly CloudLink[]
  /** What the endpoints' operators said. */
  readonly notices: Notices
  /** Times of runs on this device. */
  readonly learner: RouteLearner
  /** Times of making models ready on this device. */
  readonly preparations: PreparationLearner
  /** How fast files come from each server. */
  readonly rates: DownloadRates
  /** The page's own files, which say something of that, too. */
  readonly resources: ResourceWatch
  /** The servers of a model's files. Never rejects. */
  readonly sourcesOf: (manifest: Manifest) => Promise<readonly ModelSource[]>
  /** The model that the cloud answered for meanwhile was ready so long after the request's start, a run included. */
  readonly onEdgeReady: (requestId: string, ms: number) => void
  readonly router: Router
  readonly watcher: NetworkWatcher
  readonly power: PowerWatcher
  /** Unpacks inputs off the page's thread, for an endpoint that does not. */
  readonly unpackInputs: (manifest: Manifest, inputs: TensorMap) => Promise<TensorMap>
  /** Models may be downloaded ahead of need although the person asked the browser to save data. */
  readonly downloadOnMetered: boolean
}

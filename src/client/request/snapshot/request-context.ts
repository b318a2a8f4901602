import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import type { PowerWatcher } from '../../../device/power-watcher.ts'
import type { EdgeEngine } from '../../../edge/edge-types.ts'
import type { NetworkWatcher } from '../../../network/network-watcher.ts'
import type { RouteLearner } from '../../../routing/learning/route-learner.ts'
import type { Router } from '../../../routing/router-types.ts'
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
  readonly router: Router
  readonly watcher: NetworkWatcher
  readonly power: PowerWatcher
  /** Unpacks inputs off the page's thread, for an endpoint that does not. */
  readonly unpackInputs: (manifest: Manifest, inputs: TensorMap) => Promise<TensorMap>
  /** Models may be downloaded ahead of need although the person asked the browser to save data. */
  readonly downloadOnMetered: boolean
}

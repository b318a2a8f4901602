import type { PluginContext } from './endpoint-plugin.ts'
import type { Observe } from './seen/observe.ts'
import type { Statistics } from './statistics.ts'

/** What the endpoint's own routes share. */
export interface Front extends PluginContext {
  readonly observe: Observe
  readonly statistics: Statistics
  /** May models be loaded and unloaded without a token? */
  readonly openRepository: boolean
}

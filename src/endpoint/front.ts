import type { PluginContext } from './endpoint-plugin.ts'
import type { Statistics } from './statistics.ts'

/** What the endpoint's own routes share. */
export interface Front extends PluginContext {
  readonly statistics: Statistics
  /** May models be loaded and unloaded without a token? */
  readonly openRepository: boolean
}

import type { Statistics } from '../observability/statistics.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'

/** What the endpoint's own routes share. */
export interface RouteContext extends PluginContext {
  readonly statistics: Statistics
  /** May models be loaded and unloaded without a token? */
  readonly openRepository: boolean
}

import type { DeviceReport, LinkReport, ModelEntry, RouteRecord } from '../../index.ts'
import type { Preferences, SimulationName } from './preferences.ts'
import type { Problem } from './problem.ts'

/** What all pages show. Replaced as a whole at each change. */
export interface AppState {
  readonly preferences: Preferences
  readonly simulation: SimulationName
  readonly hasToken: boolean
  readonly device?: DeviceReport | undefined
  readonly link?: LinkReport | undefined
  /** Undefined until the catalogue was read. */
  readonly models?: readonly ModelEntry[] | undefined
  readonly modelsProblem?: Problem | undefined
  /** The newest first. */
  readonly routes: readonly RouteRecord[]
  /** Requests under way. */
  readonly running: number
  /** The client could not be made. */
  readonly problem?: Problem | undefined
}

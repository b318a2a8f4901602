import type { Manifest } from '../../contracts/manifest.ts'
import type { DeviceReport } from '../../contracts/measurements.ts'
import type { EdgeEngine, EdgeEvents, HeldModels, ReadFiles, SessionHost } from '../edge-types.ts'

/** What an engine answers at once about a model, as another tab sees it. */
export interface ModelView {
  readonly loaded: ReturnType<EdgeEngine['loaded']>
  readonly waiting: number
  readonly forecast: ReturnType<EdgeEngine['forecast']>
}

/** Models that the leader holds for another tab. */
export interface LentModels extends Pick<HeldModels, 'backend'>, Omit<SessionHost, 'has'> {
  /** Are all of these loaded in the worker that is alive now? */
  has(keys: readonly string[]): Promise<boolean>
  release(): Promise<void>
}

/** What the tab that leads offers to another one: its engine's methods that answer in time. */
export interface LeaderMethods extends Pick<EdgeEngine, 'measure' | 'check' | 'load' | 'run' | 'write' | 'unload'> {
  /** Answers that the tab lives. */
  ping(): void
  /** What the engine's other methods would answer now. */
  view(manifests: readonly Manifest[]): { readonly report: DeviceReport; readonly models: readonly ModelView[] }
  hold(...args: Parameters<EdgeEngine['hold']>): Promise<LentModels>
}

/** The engine's events, as the leader passes them on. */
export type PassedEvents = { readonly [K in keyof EdgeEvents]-?: NonNullable<EdgeEvents[K]> }

/** What a tab that follows offers to the leader: it hears of events, and reads models for its own runs. */
export interface FollowerMethods extends PassedEvents {
  readFiles(manifest: Manifest): ReturnType<ReadFiles>
}

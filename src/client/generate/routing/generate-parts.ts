import type { Manifest } from '../../../contracts/manifest.ts'
import type { Privacy, RouteRecord } from '../../../contracts/route.ts'
import type { EdgeEngine } from '../../../edge/edge-types.ts'
import type { Background } from '../../background/create-background.ts'
import type { EdgeModels } from '../../edge/edge-models.ts'
import type { Pipeline } from '../../request/pipeline.ts'
import type { Policy } from '../../types/client-options.ts'

/** What writing texts stands on. */
export interface GenerateParts {
  readonly edge: Pick<EdgeEngine, 'write' | 'check'> & {
    loaded(manifest: Manifest): { readonly backend: NonNullable<RouteRecord['backend']> } | undefined
  }
  readonly edgeModels: Pick<EdgeModels, 'prepare'>
  readonly background: Pick<Background, 'manifest' | 'readRecord' | 'writeRecord'>
  readonly pipeline: Pick<Pipeline, 'learner' | 'writing'>
  /** The client's defaults for every request. */
  readonly policy: Policy
  /** The device is ready to be asked. Rejects once the client is closed. */
  readonly open: () => Promise<void>
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
  readonly onAnswered: (route: RouteRecord, privacy: Privacy) => void
  readonly onFailed: (
    error: unknown,
    about: {
      readonly model: string
      readonly privacy: Privacy
      readonly startedAtMs: number
      readonly actualMs: number
    },
  ) => void
}

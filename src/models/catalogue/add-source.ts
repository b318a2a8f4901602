import type { Manifest } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { FetchOptions } from '../transfer/fetch-environment.ts'
import type { TrafficMeter } from '../transfer/traffic-meter.ts'
import type { ModelRegistry } from './model-registry.ts'

/** A file that a person gave, or that was fetched for them. */
export interface GivenFile {
  /** Its name, or its path in the folder that was given. */
  readonly name: string
  readonly blob: Blob
  /** Where the same bytes can be fetched again. */
  readonly urls?: readonly string[] | undefined
}

/** What a person gives to add a model. */
export type AddSource = {
  /** Default: from the file's or the repository's own. */
  readonly name?: string | undefined
  readonly title?: string | undefined
  /** For a hub's repository that has several. Default: what suits the device. */
  readonly precision?: Manifest['precision'] | undefined
} & (
  | {
      /** The .onnx file, and the files of weights beside it. */
      readonly files: readonly GivenFile[]
    }
  | { readonly url: string }
)

export interface AddOptions {
  readonly store: ModelStore
  readonly registry: ModelRegistry
  readonly offer: () => Promise<VariantOffer>
  readonly authorize: (url: string) => Promise<string | undefined>
  /** Told of what is downloaded. */
  readonly meter?: TrafficMeter | undefined
  /** Default: the thread's own. */
  readonly fetch?: FetchOptions['fetch']
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

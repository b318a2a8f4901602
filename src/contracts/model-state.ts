/**
 * Where a model stands on this device. Stored and loaded are two axes: a `stored` model is whole and verified in
 * IndexedDB, a `ready` one also has a session on a backend.
 */
export type ModelState =
  | { readonly status: 'absent' }
  | ({ readonly status: 'downloading' } & Progress)
  /** The download was paused by the person; what has arrived is kept. */
  | { readonly status: 'paused'; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly status: 'stored'; readonly totalBytes: number }
  | { readonly status: 'loading'; readonly totalBytes: number }
  | { readonly status: 'ready'; readonly totalBytes: number; readonly backend: Backend }
  | {
      readonly status: 'failed'
      readonly code: string
      readonly message: string
      /** The runtime's or the endpoint's own words, where it said any. */
      readonly reason?: string
    }

/** What runs a model inside the edge. */
export const backends = ['webgpu', 'wasm', 'webnn'] as const
export type Backend = (typeof backends)[number]

/** Bytes that have arrived of a file or a model. `loadedBytes` never passes `totalBytes`, which comes from the manifest. */
export interface Progress {
  readonly loadedBytes: number
  readonly totalBytes: number
  /** Speed over the last seconds; absent until there is enough to tell. */
  readonly bytesPerSecond?: number
  /** Time left at that speed, in milliseconds. */
  readonly remainingMs?: number
}

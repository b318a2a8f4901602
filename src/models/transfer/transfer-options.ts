import type { Progress } from '../../contracts/model-state.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import type { Etags } from '../chunks/etags.ts'
import type { FetchOptions } from './fetch-environment.ts'
import type { TransferClaim, TransferSlots } from './transfer-slots.ts'

export interface TransferOptions extends FetchOptions {
  readonly chunks: ChunkStore
  readonly etags?: Etags | undefined
  readonly chunkBytes: number
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined
  readonly random?: (() => number) | undefined
  readonly signal?: AbortSignal | undefined
  /** Ranges of one file at a time, where the server has them. Default 4. */
  readonly connections?: number | undefined
  /** Bytes that are worth a request of their own. Default 8 MiB. */
  readonly segmentBytes?: number | undefined
  /** Connections shared with other downloads. Default: this one's own. */
  readonly slots?: TransferSlots | undefined
  readonly claim?: TransferClaim | undefined
  /** For the whole file, in milliseconds. After it what has arrived stays. Default: no limit. */
  readonly totalMs?: number | undefined
  /** Never goes back while one try lasts; starts again where a file has to start over. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

import type { Generation } from '../../../contracts/generation.ts'
import type { ErrorData } from '../../../errors/error-data.ts'
import type { WriterFiles } from '../../../generation/writer/open-writer.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../../../generation/writer/write-request.ts'
import type { SharedGraph } from '../../model-folder/shared-graph.ts'

/** A language model as its thread opens it. */
export interface WritingModel {
  readonly shared: SharedGraph
  readonly generation: Generation
  readonly files: WriterFiles
  /** That keys and values of earlier conversations may take. */
  readonly cacheBytes: number
  /** That empty places may take where answers share their runs: the shorter ones have as many places as the longest. */
  readonly emptyBytes: number
  /** Threads that one of its runs uses. */
  readonly runThreads: number
}

/** Messages to a writing thread. `open` comes first, and once. */
export type WritingOrder =
  | { readonly kind: 'open'; readonly model: WritingModel }
  | { readonly kind: 'write'; readonly id: number; readonly request: WriteRequest }
  /** Its reader has gone: it ends before its next run. */
  | { readonly kind: 'abort'; readonly id: number }
  /** So many of its events were taken by its reader: it may write as many more. */
  | { readonly kind: 'taken'; readonly id: number; readonly events: number }
  /** The thread ends itself, between two runs. */
  | { readonly kind: 'end' }

/** Messages from a writing thread. */
export type WritingNews =
  /** The model is open, or can't be opened. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'unopened'; readonly error: ErrorData }
  /** @property ms that its own runs have taken */
  | { readonly kind: 'event'; readonly id: number; readonly event: WriteEvent; readonly ms: number }
  | { readonly kind: 'done'; readonly id: number; readonly end: WriteEnd; readonly ms: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorData }

/**
 * Events of an answer that may be under way to its reader: the thread waits for the reader before it writes more, so this
 * is what a slow one costs in memory.
 */
export const eventsAhead = 16

import type { Classification, Detections, Privacy, RouteRecord } from '../index.ts'
import type { Written } from '../ui/answers/follow-writing.ts'
import type { Speech } from '../ui/answers/speech-timeline.ts'
import type { EngineInput } from './messages.ts'

export type WidgetAnswer = Classification | Detections | Speech | Written

export interface WidgetResult {
  readonly answer: WidgetAnswer
  readonly route: RouteRecord
}

/** What a widget asks: the engine itself on a page of its own host, or its end in the frame. */
export interface WidgetEngine {
  /**
   * @throws {Error} with the library's `code` where there is one
   * @throws the signal's reason when it aborts
   */
  run(
    input: EngineInput,
    options: { readonly signal: AbortSignal; readonly privacy?: Privacy | undefined },
  ): Promise<WidgetResult>
  /** Downloads and loads the model. @throws as `run` does */
  prepare(): Promise<void>
  /** Idempotent, never rejects. */
  close(): void
}

/** What `hither-progress` tells. */
export interface ProgressDetail {
  readonly loadedBytes: number
  readonly totalBytes: number
}

export interface EngineEvents {
  readonly onProgress: (progress: ProgressDetail) => void
  readonly onState: (status: string) => void
  /** More of a text was written. */
  readonly onText: (written: Written) => void
  /** What the other arm would have taken was measured after an answer: its route as it is from now on. */
  readonly onMeasured: (route: RouteRecord) => void
}

import type { Backend } from './model-state.ts'
import type { Arm } from './route.ts'

/** What can come of a cascade, with its sentence for people. The list is closed. */
export const cascadeOutcomes = {
  confident: 'The small model was sure enough, so the large one was not asked.',
  'large-answered': 'The small model was not sure enough, so the large one answered.',
  'large-absent': 'The small model was not sure, but the large one is not here yet, and no endpoint could be asked.',
  'large-too-late': 'The small model was not sure, but the large one was not to be expected in time.',
  'large-failed': 'The small model was not sure, but the large one could not answer.',
} as const

export type CascadeOutcome = keyof typeof cascadeOutcomes

/** What a small model's confidence led to, where it has a larger one. */
export interface RouteCascade {
  readonly outcome: CascadeOutcome
  readonly why: string
  /** Name of the larger model. */
  readonly large: string
  /** Below this confidence the larger model is asked. */
  readonly minConfidence: number
  /** The small model's run. */
  readonly small: {
    readonly model: string
    readonly revision: string
    /** The probability that it gave its answer. */
    readonly confidence: number
    readonly ran: Arm
    readonly endpoint?: string
    readonly backend?: Backend
    /** From the request's start to its answer, in milliseconds. */
    readonly actualMs: number
  }
}

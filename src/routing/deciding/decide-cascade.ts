import type { CascadeOutcome } from '../../contracts/cascade.ts'
import type { RouteDecision } from '../router-types.ts'

/** What is known when a small model has answered. */
export interface CascadeSituation {
  /** How sure the small model is of its answer, 0 to 1: calibrated when it was made. */
  readonly confidence: number
  /** What its manifest asks for. */
  readonly minConfidence: number
  /** How the large model would be run now. Looked at only when the small one is unsure. */
  readonly large: () => Promise<RouteDecision>
  /** Whether the large model's files are on this device. */
  readonly largeIsHere: () => Promise<boolean>
  /** Milliseconds that are left for an answer; undefined: as many as it takes. */
  readonly leftMs: number | undefined
}

/**
 * Whether the large model is asked after the small one. A sure answer is taken; an unsure one is taken all the same
 * where the large model would first have to be downloaded, or is not expected to answer in time.
 *
 * @returns the outcome when the small model's answer is taken, else how to run the large one
 */
export async function decideCascade(
  situation: CascadeSituation,
): Promise<Exclude<CascadeOutcome, 'large-answered' | 'large-failed'> | 'ask'> {
  const { confidence, minConfidence, leftMs } = situation
  // A confidence that is no number is none.
  if (confidence >= minConfidence) return 'confident'
  const plan = await situation.large()
  if (plan.arm === undefined) return 'large-absent'
  const bridged = plan.arm === 'cloud' || plan.fallbacks.some(({ arm }) => arm === 'cloud')
  if (!bridged && !(await situation.largeIsHere())) return 'large-absent'
  const meanMs = plan.predicted[plan.arm]?.meanMs
  if (leftMs !== undefined && (leftMs <= 0 || (meanMs !== undefined && meanMs > leftMs))) return 'large-too-late'
  return 'ask'
}

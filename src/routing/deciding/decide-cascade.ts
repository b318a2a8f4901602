import type { CascadeOutcome } from '../../contracts/cascade.ts'
import type { RouteDecision } from '../router-types.ts'

/** The situation when a small model has answered. */
export interface CascadeSituation {
  /** Probability of the small model's answer, 0 to 1: calibrated when the model was made. */
  readonly confidence: number
  /** From the small model's manifest: below it, the large model is asked. */
  readonly minConfidence: number
  /** How the large model would run now. Called only when the small one is unsure. */
  readonly large: () => Promise<RouteDecision>
  /** Whether the large model's files are on this device. */
  readonly largeIsHere: () => Promise<boolean>
  /** Milliseconds left for an answer; undefined: no limit. */
  readonly leftMs: number | undefined
}

/**
 * Whether the large model is asked after the small one. A confident answer is taken, and also an unsure one if the
 * large model would first have to be downloaded, or is predicted to be too late.
 *
 * @returns the outcome when the small model's answer is taken, else how to run the large one
 */
export async function decideCascade(
  situation: CascadeSituation,
): Promise<Exclude<CascadeOutcome, 'large-answered' | 'large-failed'> | 'ask'> {
  const { confidence, minConfidence, leftMs } = situation
  // NaN counts as unsure.
  if (confidence >= minConfidence) return 'confident'
  const plan = await situation.large()
  if (plan.arm === undefined) return 'large-absent'
  const bridged = plan.arm === 'cloud' || plan.fallbacks.some(({ arm }) => arm === 'cloud')
  if (!bridged && !(await situation.largeIsHere())) return 'large-absent'
  const meanMs = plan.predicted[plan.arm]?.meanMs
  if (leftMs !== undefined && (leftMs <= 0 || (meanMs !== undefined && meanMs > leftMs))) return 'large-too-late'
  return 'ask'
}

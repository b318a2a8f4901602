import { type HitherError, isHitherError, type NoArmError } from '../../index.ts'
import { str, t } from '../../ui/texts/text.ts'

/** A sentence about what went wrong, and its code where the library gave one. */
export interface Problem {
  readonly message: string
  readonly code?: string
  /** The endpoint's own words, in its language. */
  readonly reason?: string
}

/** The words of the endpoint that failed, or of the first of those that were tried. */
const reasonOf = (error: HitherError): { readonly reason?: string } => {
  const attempts = error.name === 'NoArmError' ? (error as NoArmError).attempts : [error]
  const reason = attempts.map(({ context }) => context.reason).find((each) => each !== undefined)
  return reason === undefined ? {} : { reason: String(reason) }
}

/** Any thrown value as a sentence. */
export function toProblem(error: unknown): Problem {
  if (isHitherError(error)) return { message: error.message, code: error.code, ...reasonOf(error) }
  const detail = error instanceof Error ? error.message : String(error)
  return { message: t('problem.unexpected', str`Something unexpected happened: ${detail}`) }
}

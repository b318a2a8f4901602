import { isHitherError } from '../../index.ts'
import { str, t } from '../../ui/text.ts'

/** A sentence about what went wrong, and its code where the library gave one. */
export interface Problem {
  readonly message: string
  readonly code?: string
}

/** Any thrown value as a sentence. */
export function toProblem(error: unknown): Problem {
  if (isHitherError(error)) return { message: error.message, code: error.code }
  const detail = error instanceof Error ? error.message : String(error)
  return { message: t('problem.unexpected', str`Something unexpected happened: ${detail}`) }
}

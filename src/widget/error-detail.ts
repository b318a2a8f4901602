import { isHitherError } from '../index.ts'

/** What `hither-error` tells. */
export interface ErrorDetail {
  readonly message: string
  /** The library's code, where it gave one. */
  readonly code?: string | undefined
}

/** Any thrown value as a sentence, with the library's code where it has one. */
export function toErrorDetail(error: unknown): ErrorDetail {
  const message = error instanceof Error ? error.message : String(error)
  const code = isHitherError(error) || (error instanceof Error && 'code' in error) ? String(error.code ?? '') : ''
  return { message, ...(code === '' ? {} : { code }) }
}

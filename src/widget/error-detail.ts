/** What `hither-error` tells. */
export interface ErrorDetail {
  readonly message: string
  /** The library's code, where it gave one. */
  readonly code?: string | undefined
}

/** Any thrown value as a sentence, with the library's code where it has one. */
export function toErrorDetail(error: unknown): ErrorDetail {
  const message = error instanceof Error ? error.message : String(error)
  // By its presence: `isHitherError` would be a file more for a page that has only the loader.
  const code = error instanceof Error && 'code' in error ? String(error.code ?? '') : ''
  return { message, ...(code === '' ? {} : { code }) }
}

import type { Models } from '../model-folder/load-models.ts'

/**
 * The origins that a page of this endpoint may need: those that are given, and those that the models' own files come
 * from. Made anew when the models change.
 */
export function createFileOrigins(given: readonly string[], models: () => Models | undefined): () => readonly string[] {
  let known: Models | undefined
  let origins = given
  return () => {
    const now = models()
    if (now === known) return origins
    known = now
    const files = (now?.records ?? []).flatMap(({ manifest }) => [
      ...(manifest?.files ?? []),
      ...(manifest?.variants ?? []).flatMap((variant) => variant.files),
    ])
    const own = files.flatMap(({ urls = [] }) => urls).map((url) => new URL(url).origin)
    origins = [...new Set([...given, ...own])]
    return origins
  }
}

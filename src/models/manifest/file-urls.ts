import type { ModelFile } from '../../contracts/manifest.ts'

/** Absolute addresses of a file, in the order to ask them: its own, or the one beside its manifest. */
export const fileUrlsOf = (file: Pick<ModelFile, 'path' | 'urls'>, baseUrl: string): readonly string[] => {
  if (file.urls !== undefined) return file.urls
  // A model from a file that was dropped here has no address to fetch it from again.
  return URL.canParse(file.path, baseUrl) ? [new URL(file.path, baseUrl).href] : []
}

import type { ModelFile } from '../../contracts/manifest.ts'
import { encodePath } from './file-path.ts'

/** Absolute addresses of a file, in the order to ask them: its own, or the one beside its manifest. */
export const fileUrlsOf = (file: Pick<ModelFile, 'path' | 'urls'>, baseUrl: string): readonly string[] => {
  if (file.urls !== undefined) return file.urls
  // A model from a file that was dropped here has no address to fetch it from again.
  const path = encodePath(file.path)
  return URL.canParse(path, baseUrl) ? [new URL(path, baseUrl).href] : []
}

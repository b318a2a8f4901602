import type { Manifest } from '../../contracts/manifest.ts'
import { fileUrlsOf } from './file-urls.ts'

/**
 * The servers that a model's files are asked for first, as origins, with the bytes of each; none for files without an
 * address.
 *
 * @param baseUrl absolute address that the files' paths are relative to
 */
export function sourcesOf(
  { files }: Pick<Manifest, 'files'>,
  baseUrl: string,
): { readonly origin: string; readonly bytes: number }[] {
  const servers = new Map<string, number>()
  for (const file of files) {
    const [url] = fileUrlsOf(file, baseUrl)
    if (url === undefined || !URL.canParse(url)) continue
    const { origin } = new URL(url)
    servers.set(origin, (servers.get(origin) ?? 0) + file.bytes)
  }
  return [...servers].map(([origin, bytes]) => ({ origin, bytes }))
}

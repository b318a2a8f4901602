import type { KeyValueStore } from './key-value-store.ts'

/** Which version of a file the stored chunks came from, kept while the file is not whole. */
export interface Etags {
  get(fileSha256: string, url: string): Promise<string | undefined>
  set(fileSha256: string, url: string, etag: string | undefined): Promise<void>
  del(fileSha256: string): Promise<void>
}

export function createEtags(records: KeyValueStore): Etags {
  const keyOf = (fileSha256: string) => `etag/${fileSha256}`
  return {
    async get(fileSha256, url) {
      const value = await records.get(keyOf(fileSha256))
      const isKnown = typeof value === 'object' && value !== null && 'url' in value && 'etag' in value
      return isKnown && value.url === url && typeof value.etag === 'string' ? value.etag : undefined
    },
    async set(fileSha256, url, etag) {
      const key = keyOf(fileSha256)
      // Best effort: without the version the whole file's hash still catches a splice, only later.
      await (etag === undefined ? records.del([key]) : records.set(key, { url, etag })).catch(() => {})
    },
    del: (fileSha256) => records.del([keyOf(fileSha256)]),
  }
}

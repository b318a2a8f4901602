/** Where a shared file waits for the page that opens for it. */
const sharedCache = 'hither-shared'
/** Below the app: another build at the same origin has files of its own. */
const sharedKey = (base: string | URL) => new URL('shared-file', base).href
/** More is not taken: the page would refuse it anyway. */
const mostBytes = 64 * 1024 * 1024

/** Keeps the first file that was shared with the app at `base`, until the page takes it. */
export async function keepShared(form: FormData, base: string): Promise<void> {
  const file = [...form.values()].find((value) => value instanceof File)
  if (file === undefined || file.size === 0 || file.size > mostBytes) return
  const cache = await caches.open(sharedCache)
  const headers = { 'Content-Type': file.type, 'X-Name': encodeURIComponent(file.name) }
  await cache.put(sharedKey(base), new Response(file, { headers }))
}

/** The file that was shared with the app at `base`, which is forgotten with that. */
export async function takeShared(base: string): Promise<File | undefined> {
  const cache = await caches.open(sharedCache)
  const response = await cache.match(sharedKey(base))
  if (response === undefined) return undefined
  await cache.delete(sharedKey(base))
  const name = decodeURIComponent(response.headers.get('X-Name') ?? 'shared')
  return new File([await response.blob()], name, { type: response.headers.get('Content-Type') ?? '' })
}

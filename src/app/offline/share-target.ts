/** Where a shared file waits for the page that opens for it. */
const sharedCache = 'hither-shared'
const sharedKey = '/shared-file'
/** More is not taken: the page would refuse it anyway. */
const mostBytes = 64 * 1024 * 1024

/** Keeps the first file that was shared with the app, until the page takes it. */
export async function keepShared(form: FormData): Promise<void> {
  const file = [...form.values()].find((value) => value instanceof File)
  if (file === undefined || file.size === 0 || file.size > mostBytes) return
  const cache = await caches.open(sharedCache)
  const headers = { 'Content-Type': file.type, 'X-Name': encodeURIComponent(file.name) }
  await cache.put(sharedKey, new Response(file, { headers }))
}

/** The file that was shared, which is forgotten with that. */
export async function takeShared(): Promise<File | undefined> {
  const cache = await caches.open(sharedCache)
  const response = await cache.match(sharedKey)
  if (response === undefined) return undefined
  await cache.delete(sharedKey)
  const name = decodeURIComponent(response.headers.get('X-Name') ?? 'shared')
  return new File([await response.blob()], name, { type: response.headers.get('Content-Type') ?? '' })
}

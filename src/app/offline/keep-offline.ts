import type { App } from '../state/app.ts'
import { runtimeCache } from './runtime-cache.ts'

/** Keeps the runtime files in use for when the network is gone, and drops those of an earlier build. */
async function keepRuntime(files: readonly string[]): Promise<void> {
  if (!('caches' in globalThis) || files.length === 0) return
  const cache = await caches.open(runtimeCache)
  const kept = new Set((await cache.keys()).map(({ url }) => url))
  const missing = files.filter((file) => !kept.has(file))
  // Just loaded, and immutable: these come from the browser's own cache and move no byte again.
  if (missing.length > 0) await cache.addAll(missing)
  // Of this build only: another one may lie at the same origin.
  const own = new URL('assets/', document.baseURI).href
  for (const url of kept) if (url.startsWith(own) && !files.includes(url)) await cache.delete(url)
}

/** Makes the page work offline after one visit: the service worker keeps the shell, this the runtime in use. */
export function keepOffline(app: App): void {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return
  let kept = ''
  let keeping = Promise.resolve()
  const keep = () => {
    const files = app.state.device?.runtimeFiles ?? []
    if (files.join() === kept) return
    kept = files.join()
    keeping = keeping.then(() => keepRuntime(files)).catch(() => {})
  }
  app.subscribe(keep)
  keep()
}

import { cleanupOutdatedCaches, getCacheKeyForURL, matchPrecache, precacheAndRoute } from 'workbox-precaching'
import { registerRoute } from 'workbox-routing'
import { isActivation } from '../app/offline/activation.ts'
import { runtimeCache } from '../app/offline/runtime-cache.ts'
import { keepShared } from '../app/offline/share-target.ts'
import { listenForReportSync } from '../outbox/report-sync.ts'
import { createAppAddresses } from './app-addresses.ts'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: { url: string; revision: string | null }[] }

/** The files of the version before, for pages of it that are still open. */
const previousCache = 'hither-previous'

/** Everything else is left to the network: metrics, the widget's script, another app of this origin. */
const { isPage, isAsset, isShare } = createAppAddresses(self.registration.scope)

cleanupOutdatedCaches()
precacheAndRoute(self.__WB_MANIFEST, { cleanURLs: false })

// With a query, too: it is the app's own.
registerRoute(
  ({ request, url }) => request.mode === 'navigate' && isPage(url),
  async ({ request }) => (await matchPrecache('index.html')) ?? fetch(request),
)

// A page of the version before goes on with its own files: their names hold their content's hash.
registerRoute(
  ({ url }) => isAsset(url) && !url.pathname.includes('/ort-wasm-'),
  async ({ request, url }) => (await caches.match(url.href, { cacheName: previousCache })) ?? fetch(request),
)

registerRoute(
  ({ url }) => isAsset(url) && /\/ort-wasm-[^/]*\.(?:wasm|mjs)$/.test(url.pathname),
  async ({ request, url }) => {
    const kept = await caches.match(url.href, { cacheName: runtimeCache })
    return kept ?? fetch(request)
  },
)

// Reports that a page could not send go out when the network is back, also when no page is open.
listenForReportSync(self)

registerRoute(
  ({ url }) => isShare(url),
  async ({ request }) => {
    await keepShared(await request.formData(), self.registration.scope)
    return Response.redirect(new URL('./?shared', self.registration.scope).href, 303)
  },
  'POST',
)

/** Puts aside what the new version has no more of: activating it drops that. */
async function keepPrevious(): Promise<void> {
  const previous = await caches.open(previousCache)
  for (const name of await caches.keys()) {
    // Workbox names its cache by the scope; another app of this origin may have one, too.
    if (!name.includes('-precache-') || !name.endsWith(self.registration.scope)) continue
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      if (!isAsset(new URL(request.url)) || getCacheKeyForURL(request.url) !== undefined) continue
      const response = await cache.match(request)
      if (response) await previous.put(request, response)
    }
  }
}

self.addEventListener('install', (event) => {
  // A first visit must work offline right after it: the page that installs this worker is also served by it. An update
  // waits until the person takes it.
  if (self.registration.active === null) void self.skipWaiting()
  else event.waitUntil(keepPrevious())
})
self.addEventListener('activate', () => {
  // Not waited for: in Firefox this service worker would stay activating, and what the page fetches with it. The claim
  // seems to wait there for the page's workers, which wait for their scripts by this service worker.
  self.clients.claim().catch(() => {})
})
self.addEventListener('message', (event) => {
  if (isActivation(event.data)) void self.skipWaiting()
})

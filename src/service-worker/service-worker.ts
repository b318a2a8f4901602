import { cleanupOutdatedCaches, getCacheKeyForURL, matchPrecache, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { isActivation } from '../app/offline/activation.ts'
import { runtimeCache } from '../app/offline/runtime-cache.ts'
import { keepShared } from '../app/offline/share-target.ts'
import { listenForReportSync } from '../outbox/report-sync.ts'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: { url: string; revision: string | null }[] }

/** The files of the version before, for pages of it that are still open. */
const previousCache = 'hither-previous'

cleanupOutdatedCaches()
precacheAndRoute(self.__WB_MANIFEST)

// Deep links share one shell. Its query is the app's own.
registerRoute(
  new NavigationRoute(async ({ request }) => (await matchPrecache('index.html')) ?? fetch(request), {
    denylist: [/^\/v\d/, /^\/models\//, /^\/hither\//, /^\/ops(?:\/|$)/, /^\/widget-frame/],
  }),
)

// A page of the version before goes on with its own files: their names hold their content's hash.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.includes('/assets/') && !url.pathname.includes('/ort-wasm-'),
  async ({ request, url }) => (await caches.match(url.href, { cacheName: previousCache })) ?? fetch(request),
)

registerRoute(
  ({ url, sameOrigin }) => sameOrigin && /\/ort-wasm-[^/]*\.(?:wasm|mjs)$/.test(url.pathname),
  async ({ request, url }) => {
    const kept = await caches.match(url.href, { cacheName: runtimeCache })
    return kept ?? fetch(request)
  },
)

// Reports that a page could not send go out when the network is back, also when no page is open.
listenForReportSync(self)

registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith('/share'),
  async ({ request }) => {
    await keepShared(await request.formData())
    return Response.redirect(new URL('./?shared', self.registration.scope).href, 303)
  },
  'POST',
)

/** Puts aside what the new version has no more of: activating it drops that. */
async function keepPrevious(): Promise<void> {
  const previous = await caches.open(previousCache)
  for (const name of await caches.keys()) {
    if (!name.includes('-precache-')) continue
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      if (!request.url.includes('/assets/') || getCacheKeyForURL(request.url) !== undefined) continue
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

import { cleanupOutdatedCaches, matchPrecache, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import { runtimeCache } from '../app/runtime-cache.ts'
import { listenForReportSync } from '../outbox/report-sync.ts'

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: { url: string; revision: string | null }[] }

cleanupOutdatedCaches()
precacheAndRoute(self.__WB_MANIFEST)

// Deep links share one shell. Its query is the app's own.
registerRoute(
  new NavigationRoute(async ({ request }) => (await matchPrecache('index.html')) ?? fetch(request), {
    denylist: [/^\/v\d/, /^\/models\//, /^\/hither\//, /^\/ops(?:\/|$)/],
  }),
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

// A first visit must work offline right after it: the page that installs this worker is also served by it.
self.addEventListener('install', () => void self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

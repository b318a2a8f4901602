import type { App } from '../state/app.ts'
import { activation } from './activation.ts'

/**
 * Registers the service worker, and tells of a new version that waits. It is never taken by itself: a page and its
 * workers stay of one version as long as they live.
 *
 * @param onOffer called when a version waits; `take` activates it once no request is under way, and loads the page anew
 */
export function watchUpdates(app: App, onOffer: (take: () => void) => void): void {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return
  const { serviceWorker } = navigator
  const base = new URL('.', document.baseURI)

  const take = (registration: ServiceWorkerRegistration) => {
    let asked = false
    const whenIdle = () => {
      if (asked || app.state.running > 0) return
      asked = true
      stop()
      serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true })
      registration.waiting?.postMessage(activation)
    }
    const stop = app.subscribe(whenIdle)
    whenIdle()
  }
  const watch = (registration: ServiceWorkerRegistration) => {
    const offer = () => {
      if (registration.waiting && serviceWorker.controller) onOffer(() => take(registration))
    }
    offer()
    registration.addEventListener('updatefound', () => {
      registration.installing?.addEventListener('statechange', offer)
    })
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) registration.update().catch(() => {})
    })
  }
  serviceWorker
    .register(new URL('service-worker.js', base), { scope: base.pathname })
    .then(watch)
    // Where there is none, the page works as before, online.
    .catch(() => {})
}

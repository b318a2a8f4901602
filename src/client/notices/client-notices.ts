import type { Notices } from './notice-poll.ts'
import type { ClientNoticesOptions } from './notices.ts'

/** The endpoints' notices. What asks for them is fetched with the first request that may leave the device. */
export function createClientNotices(options: ClientNoticesOptions): Notices {
  let live: Notices | undefined
  let loading = false
  let closed = false
  return {
    current: () => live?.current() ?? [],
    closed: (endpoint) => live?.closed(endpoint),
    start() {
      if (closed || loading || options.clouds.length === 0) return
      loading = true
      void import('./notices.ts').then(
        ({ createLiveNotices }) => {
          if (closed) return
          live = createLiveNotices(options)
          live.start()
        },
        () => {
          // Offline: the next request tries again.
          loading = false
        },
      )
    },
    close() {
      closed = true
      live?.close()
    },
  }
}

/** Bytes that came from one server in a while during which something was coming from it all the time. */
export interface Traffic {
  /** Where from, as `URL.origin`. */
  readonly origin: string
  readonly bytes: number
  readonly ms: number
}

/** One answer of a server, while its body is read. */
export interface MeteredBody {
  /** A piece of it has arrived. */
  piece(bytes: number): void
  /** No more of it is read, for whatever reason. Idempotent. */
  end(): void
}

/** Measures how fast a thread's downloads come, all that come from one server together. */
export interface TrafficMeter {
  /** A server's answer has begun to arrive. */
  begin(url: string): MeteredBody
}

/** Each report crosses to the page; a rate from less time would be a guess. */
const reportEveryMs = 600
/** Downloads of fewer bytes say how long a server thinks and not how fast the link is. */
const leastBytes = 8_192

/**
 * @param onTraffic told while a download lasts, and at its end
 * @param now milliseconds on a clock that never goes back
 */
export function createTrafficMeter(
  onTraffic: (traffic: Traffic) => void,
  now: () => number = () => performance.now(),
): TrafficMeter {
  const servers = new Map<string, { open: number; sinceMs: number; lastMs: number; bytes: number }>()

  return {
    begin(url) {
      const { origin } = new URL(url)
      const server = servers.get(origin) ?? { open: 0, sinceMs: 0, lastMs: 0, bytes: 0 }
      servers.set(origin, server)
      if (server.open === 0) {
        server.sinceMs = now()
        server.bytes = 0
      }
      server.open += 1
      let isOpen = true
      /** Up to the last piece: from then on what has arrived is stored, and nothing comes. */
      const report = () => {
        const ms = server.lastMs - server.sinceMs
        if (server.bytes >= leastBytes && ms > 0) onTraffic({ origin, bytes: server.bytes, ms })
        server.sinceMs = server.lastMs
        server.bytes = 0
      }
      return {
        piece(bytes) {
          if (!isOpen) return
          server.bytes += bytes
          server.lastMs = now()
          if (server.lastMs - server.sinceMs >= reportEveryMs) report()
        },
        end() {
          if (!isOpen) return
          isOpen = false
          server.open -= 1
          if (server.open === 0) report()
        },
      }
    },
  }
}

import type { ConnectionInfo } from './connection-info.ts'

interface ListensTo {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

interface NavigatorLike {
  readonly onLine?: boolean
  readonly connection?: ConnectionInfo & Partial<ListensTo>
}

export interface NetworkChange {
  readonly online: boolean
  readonly saveData: boolean
  /** The device may be on another network now: it came back online, or its kind of connection is another. */
  readonly networkChanged: boolean
}

/** What the browser says of the network. */
export interface NetworkWatcher {
  /** False only when the browser is sure: a network without a way out counts as online. */
  readonly online: boolean
  /** The person asked the browser to save data. */
  readonly saveData: boolean
  /** `navigator.connection`, where the browser has it. */
  readonly connection: ConnectionInfo | undefined
  /** Calls `listener` at each change; returns a function that stops it. */
  onChange(listener: (change: NetworkChange) => void): () => void
}

/** Watches the browser's online state and connection. It listens only while someone listens to it. */
export function createNetworkWatcher(
  options: { readonly target?: ListensTo; readonly navigator?: NavigatorLike | undefined } = {},
): NetworkWatcher {
  const target = options.target ?? (globalThis as unknown as ListensTo)
  const navigator =
    'navigator' in options ? options.navigator : (globalThis as { readonly navigator?: NavigatorLike }).navigator
  const connection = navigator?.connection
  const listeners = new Set<(change: NetworkChange) => void>()

  const isOnline = () => navigator?.onLine !== false
  const savesData = () => connection?.saveData === true
  const read = () => ({
    online: isOnline(),
    saveData: savesData(),
    kind: `${connection?.type ?? ''} ${connection?.effectiveType ?? ''}`,
  })
  let last = read()

  const check = () => {
    const next = read()
    const { online, saveData, kind } = last
    last = next
    // `change` also fires when only the browser's own guess of rtt or downlink moved, which changes nothing here.
    if (next.online === online && next.saveData === saveData && next.kind === kind) return
    const networkChanged = (next.online && !online) || next.kind !== kind
    for (const listener of [...listeners]) listener({ online: next.online, saveData: next.saveData, networkChanged })
  }
  const start = () => {
    last = read()
    target.addEventListener?.('online', check)
    target.addEventListener?.('offline', check)
    connection?.addEventListener?.('change', check)
  }
  const stop = () => {
    target.removeEventListener?.('online', check)
    target.removeEventListener?.('offline', check)
    connection?.removeEventListener?.('change', check)
  }

  return {
    get online() {
      return isOnline()
    },
    get saveData() {
      return savesData()
    },
    connection,
    onChange(listener) {
      // Wrapped, so that the same function given twice is called twice and stopped once each.
      const own = (change: NetworkChange) => listener(change)
      if (listeners.size === 0) start()
      listeners.add(own)
      return () => {
        if (listeners.delete(own) && listeners.size === 0) stop()
      }
    },
  }
}

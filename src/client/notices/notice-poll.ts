import { endpointName } from '../../cloud/base-url.ts'
import type { Notice } from '../../contracts/notice.ts'
import type { RouteNotice } from '../../contracts/route.ts'
import type { NetworkWatcher } from '../../network/network-watcher.ts'
import { given } from '../../utils/given.ts'
import { toJson } from '../../utils/to-json.ts'
import { systemTimers, type Timers } from '../../utils/with-deadline.ts'

/** An endpoint that may have notices. */
export interface NoticeSource {
  /** Its address, as routes name it. */
  readonly name: string
  /** Undefined from a server without notices. */
  notices(signal: AbortSignal): Promise<readonly Notice[] | undefined>
}

/** What the operators of the endpoints tell devices. */
export interface Notices {
  /** The notices that hold, as far as is known. */
  current(): readonly Notice[]
  /** Why an endpoint must not be asked; undefined for one that may. */
  closed(endpoint: string): RouteNotice | undefined
  /** Begins to ask, and goes on every 40 s. Called with each request that may leave the device. */
  start(): void
  close(): void
}

/** Notices hold within a minute: an answer may take a while, and so may a timer of a page that is not seen. */
const everyMs = 40_000
/** An endpoint without notices is asked again after this time: it may have been updated. */
const noneHereMs = 60 * 60_000
const timeoutMs = 15_000

export function createNoticePoll(options: {
  readonly sources: readonly NoticeSource[]
  readonly watcher: Pick<NetworkWatcher, 'online' | 'onChange'>
  /**
   * Called when what holds has changed, and at the first answer.
   *
   * Called again with the next answer when it rejects.
   *
   * @param isWhole every endpoint has said what it has to say; else something may be missing
   */
  readonly onChange: (notices: readonly Notice[], isWhole: boolean) => Promise<void>
  readonly timers?: Timers
  readonly now?: () => number
}): Notices {
  const { sources, watcher, onChange, timers = systemTimers, now = Date.now } = options
  const said = new Map<string, readonly Notice[]>()
  const notBefore = new Map<string, number>()
  const closing = new AbortController()
  let handled: string | undefined
  let started = false
  let timer: unknown
  let asking: Promise<void> | undefined
  let stopWatching: (() => void) | undefined

  const current = () => {
    const known = new Map([...said.values()].flat().map((notice) => [notice.id, notice]))
    return [...known.values()]
  }

  const askOne = async ({ name, notices }: NoticeSource) => {
    if (now() < (notBefore.get(name) ?? 0)) return
    try {
      const answer = await notices(AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]))
      if (answer === undefined) notBefore.set(name, now() + noneHereMs)
      said.set(name, answer ?? [])
    } catch {
      // Its last answer holds until it gives another: an endpoint that is down can take nothing back.
    }
  }

  const ask = (): Promise<void> => {
    asking ??= (async () => {
      if (watcher.online) await Promise.all(sources.map(askOne))
      if (closing.signal.aborted || said.size === 0) return
      const isWhole = said.size === sources.length
      const news = toJson([current(), isWhole])
      if (news === handled) return
      await onChange(current(), isWhole)
      handled = news
    })()
      .catch(() => {})
      .finally(() => {
        asking = undefined
        if (closing.signal.aborted) return
        if (timer !== undefined) timers.clearTimeout(timer)
        timer = timers.setTimeout(() => void ask(), everyMs)
      })
    return asking
  }

  return {
    current,
    closed(endpoint) {
      for (const { body } of current()) {
        if (body.kind !== 'region-down' || endpointName(body.url) !== endpoint) continue
        return { kind: 'region-down', endpoint, ...given({ why: body.why }) }
      }
      return undefined
    },
    start() {
      if (started || sources.length === 0 || closing.signal.aborted) return
      started = true
      stopWatching = watcher.onChange(({ online }) => {
        // An answer under way may have been lost with the network: what holds now is asked after it.
        if (online) void (asking ?? Promise.resolve()).then(ask)
      })
      void ask()
    },
    close() {
      closing.abort()
      if (timer !== undefined) timers.clearTimeout(timer)
      stopWatching?.()
    },
  }
}

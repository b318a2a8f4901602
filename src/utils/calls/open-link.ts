import { createAnswerer } from './answer-calls.ts'
import { toGone } from './call-errors.ts'
import type { ErrorCodec } from './error-codec.ts'
import { createKeptFunctions } from './kept-functions.ts'
import { createLaneCaller, serveLane } from './lane.ts'
import { createCaller } from './make-calls.ts'
import type { Remote } from './remote.ts'
import { type Carrier, openSettlingCarrier } from './settling-carrier.ts'

/** One end of a carrier over which both sides call each other's methods. */
export interface Link<Theirs extends object> {
  readonly methods: Remote<Theirs>
  /** False once the link was closed, at either end. */
  readonly alive: boolean
  /** Rejects every pending call with `reason`, and aborts what the other side has asked for. Idempotent. */
  close(reason: unknown): void
}

export interface LinkOptions {
  /** What the other side may call. Nothing else of this side can be reached. */
  readonly methods?: object | undefined
  /** An aborted call rejects at once; or, where this is set, when the other side has answered it. */
  readonly waitsForAborted?: boolean | undefined
  readonly errors: ErrorCodec
  /**
   * Methods whose calls go past comlink, by both ends' agreement: this side calls them, or it serves them.
   *
   * @see createLaneCaller
   */
  readonly lane?: { readonly calls: readonly string[] } | { readonly serves: readonly string[] } | undefined
  /** A message could not be read, and this side's calls are rejected. Default: those of the other side are, too. */
  readonly onUnreadable?: (() => void) | undefined
  /** The other side has closed its port: the reason that pending calls get. */
  readonly toGone?: (() => unknown) | undefined
}

/**
 * Opens a link: comlink carries the calls, and what it lacks is added. Arguments, and options among them, may be signals
 * and functions, answers may hold functions; errors keep their codes; `handOver` moves memory; every call settles.
 *
 * - When a signal aborts, its copy at the other side does. Nothing is sent before.
 * - A function that was sent can be called as long as the other side holds on to it, also after the call was answered.
 *   It has no port of its own: a channel between tabs can't carry ports, and all calls must end with the link.
 */
export function openLink<Theirs extends object>(carrier: Carrier, options: LinkOptions): Link<Theirs> {
  const { methods = {}, waitsForAborted = false, onUnreadable, lane } = options
  const { toWire, fromWire } = options.errors
  let alive = true

  const ends = openSettlingCarrier(carrier, {
    toWire,
    onNotice({ abort, release }) {
      if (abort !== undefined) answerer.abort(abort)
      if (release !== undefined) kept.release(release)
    },
    onUnreadable,
    onClosed: () => close((options.toGone ?? toGone)()),
  })
  const kept = createKeptFunctions({
    call: (id, args) => caller.call(id, args),
    onCollected: (id) => ends.notify({ release: id }),
  })
  const answerer = createAnswerer(ends.answering, { methods: { ...methods }, kept, toWire })
  const caller = createCaller(ends.asking, { kept, fromWire, waitsForAborted, notify: ends.notify })
  const fast =
    lane !== undefined && 'calls' in lane ? createLaneCaller(carrier, { fromWire, waitsForAborted }) : undefined
  const served =
    lane !== undefined && 'serves' in lane ? serveLane(carrier, { methods, serves: lane.serves, toWire }) : undefined

  const close = (reason: unknown) => {
    if (!alive) return
    alive = false
    ends.end(reason)
    fast?.end(reason)
    served?.end(reason)
    answerer.abortAll(reason)
    kept.clear()
  }

  const callerOf = (name: string) =>
    fast !== undefined && lane !== undefined && 'calls' in lane && lane.calls.includes(name) ? fast : caller

  return {
    methods: new Proxy({} as Remote<Theirs>, {
      // A method named `then` would make the methods look like a promise.
      get: (_, name) =>
        name === 'then' ? undefined : (...args: unknown[]) => callerOf(String(name)).call(String(name), args),
    }),
    get alive() {
      return alive
    },
    close,
  }
}

import { startAwakeTimer } from '../utils/awake-timer.ts'
import type { Timers } from '../utils/with-deadline.ts'

interface Call {
  readonly ms: number
  readonly onExpire: () => void
  /** Since it is the first in the line. */
  turn?: { readonly atMs: number; readonly stop: () => void }
}

/** A worker's calls in the order in which it takes them. Only the first one's time is running. */
export interface TimedCalls {
  /** Calls that wait or run. */
  readonly waiting: number
  /** How long the first of them has been under way, in milliseconds. */
  readonly busyForMs: number
  /**
   * Makes a call, and counts it until it settles.
   *
   * @param ms awake time that it may take once it is its turn
   * @param onExpire it has taken longer
   * @param make may say that the call is alive: its time begins anew
   */
  add<T>(ms: number, onExpire: () => void, make: (isAlive: () => void) => Promise<T>): Promise<T>
  /** Stops the timers of all calls: their worker has ended. */
  clear(): void
}

export function createTimedCalls({
  nowMs = () => performance.now(),
  ...clock
}: {
  readonly timers?: Timers
  readonly nowMs?: () => number
}): TimedCalls {
  const calls: Call[] = []

  const stopTurn = (call: Call) => {
    call.turn?.stop()
    delete call.turn
  }
  const watchFirst = () => {
    const [first] = calls
    if (first === undefined) return
    first.turn ??= { atMs: nowMs(), stop: startAwakeTimer(first.ms, first.onExpire, { ...clock, nowMs }) }
  }

  return {
    get waiting() {
      return calls.length
    },
    get busyForMs() {
      const turn = calls[0]?.turn
      return turn === undefined ? 0 : nowMs() - turn.atMs
    },
    async add(ms, onExpire, make) {
      const call: Call = { ms, onExpire }
      calls.push(call)
      try {
        const answer = make(() => {
          if (calls[0] !== call) return
          stopTurn(call)
          watchFirst()
        })
        // Setting a timer takes as long as sending a small message, so the message goes first.
        watchFirst()
        return await answer
      } finally {
        const index = calls.indexOf(call)
        if (index >= 0) {
          calls.splice(index, 1)
          stopTurn(call)
          watchFirst()
        }
      }
    },
    clear() {
      for (const { turn } of calls.splice(0)) turn?.stop()
    },
  }
}

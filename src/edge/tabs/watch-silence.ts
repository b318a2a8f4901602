import { startAwakeTimer } from '../../utils/awake-timer.ts'

/** A leader that has been silent for this long while calls wait for it is pinged; it is silent if it does not answer in as long again. */
const silenceMs = 700

/** Watches whether the other tab still answers, as long as calls wait for it. */
export interface SilenceWatch {
  /** Makes a call, and watches until it settles. */
  during<T>(call: () => Promise<T>): Promise<T>
  stop(): void
}

export function watchSilence({
  ping,
  onSilence,
}: {
  readonly ping: () => Promise<void>
  readonly onSilence: () => void
}): SilenceWatch {
  let waitingCalls = 0
  let stopListening: (() => void) | undefined

  const listen = () => {
    if (waitingCalls === 0 || stopListening !== undefined) return
    const pinged = () => {
      const giveUp = startAwakeTimer(silenceMs, onSilence)
      stopListening = giveUp
      ping()
        .catch(() => {})
        .finally(() => {
          giveUp()
          stopListening = undefined
          listen()
        })
    }
    stopListening = startAwakeTimer(silenceMs, pinged)
  }

  return {
    async during(call) {
      waitingCalls += 1
      listen()
      try {
        return await call()
      } finally {
        waitingCalls -= 1
        if (waitingCalls === 0) {
          stopListening?.()
          stopListening = undefined
        }
      }
    },
    stop: () => stopListening?.(),
  }
}

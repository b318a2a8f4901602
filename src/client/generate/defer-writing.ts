import type { Writing } from '../types/generate-types.ts'

/** An answer whose code is still to be fetched. */
export function deferWriting(start: () => Promise<Writing>): Writing {
  const begun = start()
  const done = begun.then((writing) => writing.done)
  // Who only iterates hears of a failure there.
  done.catch(() => {})
  return {
    done,
    async *[Symbol.asyncIterator]() {
      yield* await begun
    },
  }
}

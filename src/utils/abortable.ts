/**
 * Settles as `promise` does, or rejects with `signal.reason` as soon as the signal aborts. The work behind the
 * promise is not stopped: that is the caller's to do.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) {
      promise.catch(() => {})
      abort()
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    const settle =
      <V>(end: (value: V) => void) =>
      (value: V) => {
        signal.removeEventListener('abort', abort)
        end(value)
      }
    promise.then(settle(resolve), settle(reject))
  })
}

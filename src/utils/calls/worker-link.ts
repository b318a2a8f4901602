import { errorCodec } from './error-codec.ts'
import { type LinkOptions, openLink } from './open-link.ts'
import type { Remote } from './remote.ts'

/** The page's end of a worker. */
export interface WorkerLink<M extends object> {
  readonly methods: Remote<M>
  /** False once the worker has been ended, or has failed to start. */
  readonly alive: boolean
  /** Ends the worker at once and rejects every pending call with `reason`. Idempotent. */
  terminate(reason: Error): void
}

/**
 * Opens a link to a worker. A worker that is ended, or whose script throws, fires nothing at those who wait for it:
 * their calls are rejected here. One that was sent what it can't read, or sends it, is ended, too.
 *
 * @param toFault the error for the pending calls, when the worker reports an uncaught error; called once
 */
export function openWorkerLink<M extends object>(
  worker: Worker,
  toFault: (event: ErrorEvent | MessageEvent) => Error,
  options: Pick<LinkOptions, 'waitsForAborted' | 'lane'> = {},
): WorkerLink<M> {
  const fault = (event: Event) => {
    if (link.alive) terminate(toFault(event as ErrorEvent | MessageEvent))
  }
  // Heard before the link does, whose calls it would reject without ending the worker.
  worker.addEventListener('error', fault)
  worker.addEventListener('messageerror', fault)
  const link = openLink<M>(worker, { ...options, errors: errorCodec })
  const terminate = (reason: Error) => {
    if (!link.alive) return
    worker.terminate()
    link.close(reason)
  }
  return {
    methods: link.methods,
    get alive() {
      return link.alive
    },
    terminate,
  }
}

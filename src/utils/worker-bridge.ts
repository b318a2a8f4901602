import { type Remote, releaseProxy, wrap } from 'comlink'
import { fromErrorData } from '../errors/error-data.ts'
import type { Envelope, WorkerMethods } from './worker-methods.ts'

type Unwrapped<M extends WorkerMethods> = {
  readonly [K in keyof M]: (...args: Parameters<M[K]>) => Promise<Awaited<ReturnType<M[K]>>>
}

/** The page's end of a worker. */
export interface WorkerBridge<M extends WorkerMethods> {
  readonly methods: Unwrapped<M>
  /** False once the worker has been ended, or has failed to start. */
  readonly alive: boolean
  /** Ends the worker at once and rejects every pending call with `reason`. Idempotent. */
  terminate(reason: Error): void
}

/**
 * Calls a worker's methods and keeps the promise that comlink alone does not: a call always settles. A worker that
 * is ended, or whose script throws, fires nothing at its pending calls, so they are kept in a table and rejected here.
 *
 * @param onFault called once when the worker reports an uncaught error; returns the error for its pending calls
 */
export function openWorkerBridge<M extends WorkerMethods>(
  worker: Worker,
  onFault: (event: ErrorEvent | MessageEvent) => Error,
): WorkerBridge<M> {
  const remote = wrap<Record<string, (...args: unknown[]) => Envelope<unknown>>>(worker)
  const pending = new Set<(reason: Error) => void>()
  let ended: Error | undefined

  const terminate = (reason: Error) => {
    if (ended !== undefined) return
    ended = reason
    worker.removeEventListener('error', fault)
    worker.removeEventListener('messageerror', fault)
    worker.terminate()
    remote[releaseProxy]()
    for (const reject of pending) reject(reason)
    pending.clear()
  }
  const fault = (event: Event) => terminate(onFault(event as ErrorEvent | MessageEvent))
  worker.addEventListener('error', fault)
  worker.addEventListener('messageerror', fault)

  const methodOf = (name: string) => {
    const method = (remote as Remote<Record<string, (...args: unknown[]) => Envelope<unknown>>>)[name]
    if (method === undefined) throw new TypeError(`the worker has no method ${name}`)
    return (...args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended)
          return
        }
        pending.add(reject)
        method(...args).then(
          (answer) => {
            pending.delete(reject)
            if (answer.ok) resolve(answer.value)
            else reject(fromErrorData(answer.error))
          },
          (error) => {
            pending.delete(reject)
            reject(error)
          },
        )
      })
  }

  // Kept: a method that is looked up anew is a new proxy each time.
  const methods = new Map<string, ReturnType<typeof methodOf>>()
  const kept = (name: string) => {
    const known = methods.get(name) ?? methodOf(name)
    methods.set(name, known)
    return known
  }

  return {
    methods: new Proxy({} as Unwrapped<M>, {
      get: (_, name) => (typeof name === 'string' ? kept(name) : undefined),
    }),
    get alive() {
      return ended === undefined
    },
    terminate,
  }
}

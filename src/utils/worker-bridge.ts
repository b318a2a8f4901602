import { expose } from 'comlink'
import { fromErrorData } from '../errors/error-data.ts'
import { HandedOver, handOver } from './hand-over.ts'
import type { AnswerMessage, WorkerMethods } from './worker-methods.ts'

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

/** A function as an argument that the worker may call, also after its method has answered. */
export function toCallback<F extends (...args: never[]) => unknown>(work: F): F {
  const { port1, port2 } = new MessageChannel()
  expose(work, port1)
  return handOver(port2, [port2]) as unknown as F
}

const isAnswer = (data: unknown): data is AnswerMessage => typeof data === 'object' && data !== null && 'id' in data

/**
 * Calls a worker's methods. A call always settles: a worker that is ended, or whose script throws, fires nothing at
 * its pending calls, so they are kept in a table and rejected here. A message holds little more than its arguments:
 * on a model that takes a millisecond, what a general library adds to each one is felt.
 *
 * @param onFault called once when the worker reports an uncaught error; returns the error for its pending calls
 */
export function openWorkerBridge<M extends WorkerMethods>(
  worker: Worker,
  onFault: (event: ErrorEvent | MessageEvent) => Error,
): WorkerBridge<M> {
  const pending = new Map<number, { resolve(value: unknown): void; reject(reason: Error): void }>()
  let ids = 0
  let ended: Error | undefined

  const terminate = (reason: Error) => {
    if (ended !== undefined) return
    ended = reason
    worker.terminate()
    for (const { reject } of pending.values()) reject(reason)
    pending.clear()
  }
  const fault = (event: Event) => {
    if (ended === undefined) terminate(onFault(event as ErrorEvent | MessageEvent))
  }
  const hear = ({ data }: MessageEvent<unknown>) => {
    if (!isAnswer(data)) return
    const call = pending.get(data.id)
    pending.delete(data.id)
    if ('error' in data) call?.reject(fromErrorData(data.error))
    else call?.resolve(data.value)
  }
  worker.addEventListener('message', hear)
  worker.addEventListener('error', fault)
  worker.addEventListener('messageerror', fault)

  const call = (method: string, args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      if (ended !== undefined) {
        reject(ended)
        return
      }
      ids += 1
      const transfer: Transferable[] = []
      const plain = args.map((arg) => {
        if (!(arg instanceof HandedOver)) return arg
        transfer.push(...arg.transfer)
        return arg.value
      })
      worker.postMessage({ id: ids, method, args: plain }, transfer)
      pending.set(ids, { resolve, reject })
    })

  return {
    methods: new Proxy({} as Unwrapped<M>, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          call(String(name), args),
    }),
    get alive() {
      return ended === undefined
    },
    terminate,
  }
}

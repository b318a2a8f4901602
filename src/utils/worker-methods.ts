import { wrap } from 'comlink'
import { type ErrorData, toErrorData } from '../errors/error-data.ts'
import { HandedOver } from './hand-over.ts'

/** Methods that a worker offers: arguments in, a promise out. */
export type WorkerMethods = Record<string, (...args: never[]) => unknown>

/** Asks a worker to call a method. A port among the arguments is a function of the page's. */
export interface CallMessage {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

/** What a method answered: a thrown error would lose its code and class on the way. */
export type AnswerMessage =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorData }

const isCall = (data: unknown): data is CallMessage => typeof data === 'object' && data !== null && 'method' in data

/**
 * Offers `methods` to the thread that started this worker. Errors that no method caught are reported to the page,
 * where they would otherwise leave calls pending.
 */
export function exposeMethods(methods: WorkerMethods): void {
  const answer = async ({ id, method, args }: CallMessage) => {
    try {
      const called = Object.hasOwn(methods, method) ? methods[method] : undefined
      if (called === undefined) throw new TypeError(`this worker has no method ${method}`)
      const given = args.map((arg) => (arg instanceof MessagePort ? wrap(arg) : arg))
      const value = await called(...(given as never[]))
      if (value instanceof HandedOver) postMessage({ id, value: value.value }, { transfer: [...value.transfer] })
      else postMessage({ id, value })
    } catch (error) {
      postMessage({ id, error: toErrorData(error) })
    }
  }
  globalThis.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isCall(data)) void answer(data)
  })
  // Who asked for what can't be read is not known: the page ends the worker, and tells all who wait.
  globalThis.addEventListener('messageerror', () => {
    throw new Error('a message to this worker could not be read')
  })
  // An unhandled rejection raises no event on the page; thrown again outside the promise it raises `error` there.
  globalThis.addEventListener('unhandledrejection', (event) => {
    setTimeout(() => {
      throw event.reason
    })
  })
}

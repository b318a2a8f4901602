import { expose, transfer } from 'comlink'
import { type ErrorData, toErrorData } from '../errors/error-data.ts'

/** What a worker's method answers: a thrown error would lose its code and class on the way. */
export type Envelope<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorData }

/** Methods that a worker offers: arguments in, a promise out. */
export type WorkerMethods = Record<string, (...args: never[]) => unknown>

class HandedOver<T> {
  readonly value: T
  readonly transfer: Transferable[]
  constructor(value: T, transfer: Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** Returned by a worker's method, moves the buffers in `transfer` to the caller instead of copying them. */
export const handOver = <T>(value: T, transfer: Transferable[]): T => new HandedOver(value, transfer) as unknown as T

/**
 * Offers `methods` to the thread that started this worker. Each answer is an envelope, and errors that no method
 * caught are reported to the page, where they would otherwise leave calls pending.
 */
export function exposeMethods(methods: WorkerMethods): void {
  const wrapped = Object.fromEntries(
    Object.entries(methods).map(([name, method]) => [
      name,
      async (...args: never[]): Promise<Envelope<unknown>> => {
        try {
          const value = await method(...args)
          return value instanceof HandedOver
            ? transfer({ ok: true, value: value.value }, value.transfer)
            : { ok: true, value }
        } catch (error) {
          return { ok: false, error: toErrorData(error) }
        }
      },
    ]),
  )
  expose(wrapped)
  // An unhandled rejection raises no event on the page; thrown again outside the promise it raises `error` there.
  globalThis.addEventListener('unhandledrejection', (event) => {
    setTimeout(() => {
      throw event.reason
    })
  })
}

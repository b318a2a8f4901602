import type { ErrorData } from '../../errors/error-data.ts'

/** A method's result, and the memory that moves with it instead of being copied. */
export interface Moved<T> {
  readonly value: T
  readonly transfer?: readonly ArrayBuffer[]
}

/** What a side thread offers. Arguments and results are cloned; errors keep their code. */
export type ThreadMethods = Readonly<Record<string, (...args: never[]) => Moved<unknown> | Promise<Moved<unknown>>>>

export interface ThreadCall {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

export type ThreadAnswer =
  | { readonly id: number; readonly status: 'done'; readonly value: unknown }
  | { readonly id: number; readonly status: 'failed'; readonly error: ErrorData }

/** A value of which some parts are moved to the other thread. */
export class HandedOver<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]
  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/**
 * Marks a value that goes to another thread, as an argument of a worker's method or as its answer: the objects in
 * `transfer` are moved instead of copied.
 */
export const handOver = <T>(value: T, transfer: readonly Transferable[]): T =>
  new HandedOver(value, transfer) as unknown as T

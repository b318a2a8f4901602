/** A value of which some parts are moved to the other side instead of copied. */
export class HandedOver<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]
  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/**
 * Marks an argument or an answer of a call: the objects in `transfer` are moved to the other side instead of copied. A
 * channel between tabs copies them all the same.
 */
export const handOver = <T>(value: T, transfer: readonly Transferable[]): T =>
  new HandedOver(value, transfer) as unknown as T

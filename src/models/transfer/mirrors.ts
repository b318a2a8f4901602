/** The addresses that a file can come from, and which of them to ask next. */
export interface Mirrors {
  readonly current: string
  /** Addresses that have not been given up. */
  readonly left: number
  /** Asks the next one from now on. */
  rotate(): void
  /** Never asks the current one again. False when it was the last. */
  giveUp(): boolean
}

export function createMirrors(urls: readonly string[]): Mirrors {
  let left = [...urls]
  return {
    get current() {
      return left[0] ?? ''
    },
    get left() {
      return left.length
    },
    rotate() {
      left = [...left.slice(1), ...left.slice(0, 1)]
    },
    giveUp() {
      if (left.length <= 1) return false
      left = left.slice(1)
      return true
    },
  }
}

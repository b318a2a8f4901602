import type { KeyValues } from './key-values.ts'

/** What was read of a conversation: its tokens, and their keys and values. */
export interface ReadTokens {
  readonly ids: readonly number[]
  readonly keyValues: KeyValues
}

/** Keys and values of the conversations that went on last, within a budget of bytes. */
export interface RememberedPrefixes {
  /**
   * The longest beginning of these tokens that was read before.
   *
   * @returns what was read, of which `shared` tokens are the beginning of these; undefined where nothing is shared
   */
  find(ids: readonly number[]): { readonly read: ReadTokens; readonly shared: number } | undefined
  /** Remembers what was read. What it continues is forgotten, and the longest unused beyond the budget. */
  remember(read: ReadTokens): void
  forgetAll(): void
  readonly bytes: number
}

/** How many tokens two sequences begin with alike. */
export function sharedLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length)
  for (let at = 0; at < most; at += 1) if (a[at] !== b[at]) return at
  return most
}

/** @param budgetBytes of keys and values; a single conversation that is larger is not remembered */
export function createRememberedPrefixes(budgetBytes: number): RememberedPrefixes {
  /** The one that was used last is the last. */
  let known: ReadTokens[] = []
  const bytesOf = () => known.reduce((sum, { keyValues }) => sum + keyValues.bytes, 0)

  return {
    find(ids) {
      let [best, most]: [ReadTokens | undefined, number] = [undefined, 0]
      for (const read of known) {
        const shared = sharedLength(read.ids, ids)
        // Of equals the newest.
        if (shared > 0 && shared >= most) [best, most] = [read, shared]
      }
      if (best === undefined) return undefined
      const found = best
      known = [...known.filter((read) => read !== found), found]
      return { read: found, shared: most }
    },
    remember(read) {
      if (read.keyValues.bytes > budgetBytes) return
      known = [...known.filter(({ ids }) => sharedLength(ids, read.ids) < ids.length), read]
      while (bytesOf() > budgetBytes) known.shift()
    },
    forgetAll() {
      known = []
    },
    get bytes() {
      return bytesOf()
    },
  }
}

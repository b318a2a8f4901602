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
  /**
   * Remembers what was read, which is its own from now on. What it continues is forgotten, and the longest unused beyond
   * the budget.
   */
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

/**
 * @param budgetBytes of keys and values; a single conversation that is larger is not remembered
 * @param onForget gives up keys and values that are forgotten
 */
export function createRememberedPrefixes(
  budgetBytes: number,
  onForget: (keyValues: KeyValues) => void = () => {},
): RememberedPrefixes {
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
      const before = known
      const isOther = ({ ids }: ReadTokens) => sharedLength(ids, read.ids) < ids.length
      known = read.keyValues.bytes > budgetBytes ? known : [...known.filter(isOther), read]
      while (bytesOf() > budgetBytes) known.shift()
      for (const each of [...before, read]) if (!known.includes(each)) onForget(each.keyValues)
    },
    forgetAll() {
      for (const { keyValues } of known) onForget(keyValues)
      known = []
    },
    get bytes() {
      return bytesOf()
    },
  }
}

/** Text as it may be shown: never a stop string, nor what may become one. */
export interface StopStrings {
  /** Takes text in. @returns what of all text so far may be shown now and was not yet */
  push(text: string): string
  /** No more text comes. @returns what was held back */
  end(): string
  /** The stop string that ended the text; undefined before. */
  readonly found: string | undefined
  /** What may become a stop string. */
  readonly held: string
}

/** How much of the end of a text may be the beginning of this string, which it does not contain. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length -= 1) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}

/**
 * Cuts a text before the one of these strings that is complete first, wherever its pieces are cut.
 *
 * @param stops not empty strings
 * @param held what an earlier part of the same text held back
 * @example
 * const stops = createStopStrings(['END'])
 * stops.push('a E') // 'a '
 * stops.push('ND b') // ''
 * stops.found // 'END'
 */
export function createStopStrings(stops: readonly string[], held = ''): StopStrings {
  let waiting = ''
  let found: string | undefined

  const push = (text: string): string => {
    if (found !== undefined) return ''
    waiting += text
    const [first] = stops
      .map((stop) => ({ stop, at: waiting.indexOf(stop) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at + a.stop.length - (b.at + b.stop.length) || a.at - b.at)
    if (first !== undefined) {
      found = first.stop
      const shown = waiting.slice(0, first.at)
      waiting = ''
      return shown
    }
    const kept = Math.max(0, ...stops.map((stop) => overlap(waiting, stop)))
    const shown = waiting.slice(0, waiting.length - kept)
    waiting = waiting.slice(waiting.length - kept)
    return shown
  }

  push(held)
  return {
    push,
    end() {
      const rest = waiting
      waiting = ''
      return rest
    },
    get found() {
      return found
    },
    get held() {
      return waiting
    },
  }
}

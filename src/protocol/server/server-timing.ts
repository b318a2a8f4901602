/**
 * Writes durations in milliseconds as a `Server-Timing` header. One that is negative or no number is left out.
 *
 * Source: https://www.w3.org/TR/server-timing/
 */
export function formatServerTiming(durationsMs: Readonly<Record<string, number>>): string {
  return Object.entries(durationsMs)
    .filter(([, ms]) => isDuration(ms))
    .map(([name, ms]) => `${name};dur=${Number(ms.toFixed(3))}`)
    .join(', ')
}

/**
 * Reads the durations in milliseconds of a `Server-Timing` header, by name. An entry without a usable duration is left
 * out: a header is a server's word, and what is made of it must not be poisoned by nonsense.
 */
export function parseServerTiming(header: string | null | undefined): ReadonlyMap<string, number> {
  const durations = new Map<string, number>()
  for (const entry of splitOutsideQuotes(header ?? '', ',')) {
    const [name = '', ...parameters] = splitOutsideQuotes(entry, ';').map((part) => part.trim())
    const duration = parameters.map(toDuration).find((ms) => ms !== undefined)
    if (name !== '' && duration !== undefined && isDuration(duration) && !durations.has(name)) {
      durations.set(name, duration)
    }
  }
  return durations
}

const isDuration = (ms: number): boolean => Number.isFinite(ms) && ms >= 0

/** NaN for a `dur` that is no number; undefined for another parameter. */
function toDuration(parameter: string): number | undefined {
  const [, quoted, bare] = /^dur\s*=\s*(?:"([^"]*)"|(\S+))$/i.exec(parameter) ?? []
  const value = quoted ?? bare
  if (value === undefined) return undefined
  return /^[-+]?[0-9.]+(e[-+]?[0-9]+)?$/i.test(value) ? Number(value) : Number.NaN
}

function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at)
    if (quoted && character === '\\') {
      part += character + text.charAt(at + 1)
      at += 1
      continue
    }
    if (character === '"') quoted = !quoted
    if (character === separator && !quoted) {
      parts.push(part)
      part = ''
    } else {
      part += character
    }
  }
  return [...parts, part]
}

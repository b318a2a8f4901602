/** Deeper nesting than this is refused, as Triton refuses it: before a parser recurses into it. */
export const maxJsonDepth = 100

export type JsonScan =
  | { readonly status: 'whole'; readonly endBytes: number }
  | { readonly status: 'cut' }
  | { readonly status: 'too-deep' }
  | { readonly status: 'no-object' }

const quote = 0x22
const backslash = 0x5c

/** JSON's white space: space, tab, line feed, carriage return. */
export const isJsonSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d

/**
 * Finds where the JSON object at the start of `bytes` ends, by matching braces outside of strings. Whether it *is*
 * JSON is left to the parser.
 */
export function scanJson(bytes: Uint8Array): JsonScan {
  let at = 0
  while (isJsonSpace(bytes[at])) at += 1
  if (bytes[at] !== 0x7b) return { status: 'no-object' }
  let depth = 0
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === quote) {
      at = endOfString(bytes, at + 1)
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > maxJsonDepth) return { status: 'too-deep' }
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1
      if (depth === 0) return { status: 'whole', endBytes: at + 1 }
    }
  }
  return { status: 'cut' }
}

/** Index of the quote that closes a string whose text starts at `from`; past the end when none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(quote, from); at !== -1; at = bytes.indexOf(quote, at + 1)) {
    let slashes = 0
    while (bytes[at - 1 - slashes] === backslash && at - 1 - slashes >= from) slashes += 1
    if (slashes % 2 === 0) return at
  }
  return bytes.length
}

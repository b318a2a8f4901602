/** Deeper nesting than this is refused, as Triton refuses it: before a parser recurses into it. */
export const maxJsonDepth = 100

/**
 * What JSON may hold before a parser makes objects of it: a few kilobytes that unpack to `{},{},…` would take
 * gigabytes. Arrays under the key `data` are a tensor's numbers or texts; all else describes them.
 */
export interface JsonLimits {
  /** Numbers, texts and the like in all `data` arrays. */
  readonly values: number
  /** Arrays in all `data` arrays: rows of rows. */
  readonly arrays: number
  /** Texts in all `data` arrays, and their bytes. */
  readonly texts: number
  readonly textBytes: number
  /** Values, keys, arrays and objects outside of `data`, and their bytes. */
  readonly others: number
  readonly otherBytes: number
}

export type JsonScan =
  | { readonly status: 'whole'; readonly endBytes: number }
  | { readonly status: 'cut' }
  | { readonly status: 'too-deep' }
  | { readonly status: 'no-object' }
  /** More than the limits allow; `what` are words for people. */
  | { readonly status: 'too-much'; readonly what: string }

const quote = 0x22
const backslash = 0x5c

/** JSON's white space: space, tab, line feed, carriage return. */
export const isJsonSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d

/**
 * Finds where the JSON object at the start of `bytes` ends, by matching braces outside of strings, and counts what it
 * holds. Whether it *is* JSON is left to the parser.
 */
export function scanJson(bytes: Uint8Array, limits?: JsonLimits): JsonScan {
  let at = 0
  while (isJsonSpace(bytes[at])) at += 1
  if (bytes[at] !== 0x7b) return { status: 'no-object' }
  const counted = limits === undefined ? undefined : createCount(limits)
  let depth = 0
  /** Depth of the `data` array that `at` lies in; 0 outside of one. */
  let dataDepth = 0
  let dataFrom = 0
  let dataBytes = 0
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at]
    let problem: string | undefined
    if (byte === quote) {
      const end = endOfString(bytes, at + 1)
      problem = counted?.text(dataDepth > 0, end - at)
      at = end
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > maxJsonDepth) return { status: 'too-deep' }
      if (dataDepth === 0 && byte === 0x5b && isData(bytes, at)) {
        dataDepth = depth
        dataFrom = at
      }
      problem = counted?.open(dataDepth > 0, byte === 0x7b)
    } else if (byte === 0x7d || byte === 0x5d) {
      if (depth === dataDepth) {
        dataDepth = 0
        dataBytes += at - dataFrom
      }
      depth -= 1
      if (depth === 0) {
        const what = counted?.bytes(at - dataBytes)
        return what === undefined ? { status: 'whole', endBytes: at + 1 } : { status: 'too-much', what }
      }
    } else if (byte === 0x2c) problem = counted?.comma(dataDepth > 0)
    if (problem !== undefined) return { status: 'too-much', what: problem }
  }
  return { status: 'cut' }
}

/** Counts as the scan goes; each function gives words for what is too much. */
function createCount(limits: JsonLimits) {
  let [values, arrays, texts, textBytes, others] = [0, 0, 0, 0, 0]
  const other = () => {
    others += 1
    return others > limits.others ? `more than ${limits.others} names and values beside the data` : undefined
  }
  return {
    // One more value than there are commas: of so many, one does not count.
    comma(inData: boolean) {
      if (!inData) return other()
      values += 1
      return values > limits.values ? `more than ${limits.values} values` : undefined
    },
    text(inData: boolean, length: number) {
      if (!inData) return other()
      texts += 1
      textBytes += length
      if (texts > limits.texts) return `more than ${limits.texts} texts`
      return textBytes > limits.textBytes ? `more than ${limits.textBytes} bytes of text` : undefined
    },
    open(inData: boolean, isObject: boolean) {
      if (!inData) return other()
      arrays += 1
      if (isObject) return 'an object in the data'
      return arrays > limits.arrays ? `more than ${limits.arrays} arrays in the data` : undefined
    },
    bytes: (length: number) =>
      length > limits.otherBytes ? `more than ${limits.otherBytes} bytes beside the data` : undefined,
  }
}

const dataKey = [...'"data"'].map((character) => character.charCodeAt(0))

/** Does the key in front of this bracket say `data`? */
function isData(bytes: Uint8Array, bracket: number): boolean {
  let at = bracket - 1
  while (isJsonSpace(bytes[at])) at -= 1
  if (bytes[at] !== 0x3a) return false
  at -= 1
  while (isJsonSpace(bytes[at])) at -= 1
  const from = at - dataKey.length + 1
  return dataKey.every((byte, index) => bytes[from + index] === byte)
}

/** Index of the quote that closes a string whose text starts at `from`; past the end when none does. */
export function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(quote, from); at !== -1; at = bytes.indexOf(quote, at + 1)) {
    let slashes = 0
    while (bytes[at - 1 - slashes] === backslash && at - 1 - slashes >= from) slashes += 1
    if (slashes % 2 === 0) return at
  }
  return bytes.length
}

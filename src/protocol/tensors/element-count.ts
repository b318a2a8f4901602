/** More elements than this fit in no body that is accepted, nor in one typed array of every browser. */
const maxElements = 2 ** 31 - 1

const maxRank = 32

/**
 * Elements of a tensor with these dimensions; undefined when a dimension is no whole number from 0 on, or when they
 * multiply to more than 2³¹ − 1. Zeros are left out of that product: [2⁴⁰, 0] is refused as [2⁴⁰, 1] is.
 */
export function elementCount(dims: readonly unknown[]): number | undefined {
  if (dims.length > maxRank) return undefined
  let product = 1
  let empty = false
  for (const size of dims) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
    if (size === 0) empty = true
    else product *= size
    if (product > maxElements) return undefined
  }
  return empty ? 0 : product
}

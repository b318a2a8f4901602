/** A 32-bit mix in which each bit of the input decides half of the output's (Appleby's MurmurHash3 finalizer). */
function mix(word: number): number {
  let x = word
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** What a Weyl sequence steps by: 2^32 over the golden ratio. */
const step = 0x9e3779b9

/**
 * The random number that decides the token at a position: uniform in [0, 1), of 53 bits. It depends on nothing but the
 * seed and the position, so that whoever goes on with an answer draws what its beginning would have drawn.
 *
 * @param seed any safe integer
 * @param position of the token in the answer, from 0
 * @example uniformAt(1, 0) === uniformAt(1, 0)
 */
export function uniformAt(seed: number, position: number): number {
  const low = seed >>> 0
  const high = Math.floor(seed / 2 ** 32) >>> 0
  const key = mix(low ^ mix(high ^ step))
  const first = mix(key + Math.imul(position, step) + mix(position))
  const second = mix(first ^ mix(key + position))
  return ((first >>> 5) * 2 ** 26 + (second >>> 6)) / 2 ** 53
}

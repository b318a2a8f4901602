import { setImmediate } from 'node:timers/promises'

/** Bytes that are copied before others get their turn: a few milliseconds. */
const turnBytes = 8 * 2 ** 20

/**
 * Copies these parts into one piece of memory that nothing else shares, without holding up the event loop. The parts
 * must stay as they are until it resolves.
 *
 * @param length bytes of all parts together
 */
export async function joinInTurns(parts: readonly Uint8Array[], length: number): Promise<Buffer<ArrayBuffer>> {
  // Not from Buffer's pool: that memory is a part of what many share, and could not be given away.
  const joined = Buffer.allocUnsafeSlow(length)
  let at = 0
  let turnUntil = turnBytes
  for (const part of parts) {
    for (let from = 0; from < part.length; ) {
      const piece = part.subarray(from, from + turnUntil - at)
      joined.set(piece, at)
      at += piece.length
      from += piece.length
      if (at < turnUntil) continue
      turnUntil = at + turnBytes
      await setImmediate()
    }
  }
  return joined
}

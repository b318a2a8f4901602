/**
 * States what holds unless this code has a fault of its own. Faults of a caller, a device or a server are errors of
 * `errors/` instead.
 *
 * @throws {TypeError} it does not hold
 */
export function invariant(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new TypeError(sentence)
}

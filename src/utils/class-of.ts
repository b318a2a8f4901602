/**
 * A value's class by name, which also holds for a value of another realm. `Object` for what does not even say that: a
 * proxy that was revoked, or a name that throws.
 */
export function classOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1)
  } catch {
    return 'Object'
  }
}

type Classes = typeof globalThis

/** An instance of the class with this name, as the thread's own types know it. */
export type InstanceNamed<Name extends keyof Classes> = Classes[Name] extends { readonly prototype: infer T }
  ? T
  : never

/** The name that a prototype itself gives to its instances: `File` before `Blob`, and of each typed array its own. */
const tagOf = (prototype: object, instance: object): unknown =>
  Object.hasOwn(prototype, Symbol.toStringTag) ? Reflect.get(prototype, Symbol.toStringTag, instance) : undefined

/**
 * Is a value of a class that browsers have built in, or of one that extends it? Unlike `instanceof` also for what
 * another realm made: a frame's canvas, file or typed array, a signal of the window that opened this one. Whatever a
 * caller hands in is asked by this. False where the class does not exist.
 *
 * Not for errors, which bear no such name: `isErrorLike` of `errors/` is for those.
 */
export function isInstance<Name extends keyof Classes & string>(
  value: unknown,
  name: Name,
): value is InstanceNamed<Name> {
  if (typeof value !== 'object' || value === null) return false
  const own: unknown = globalThis[name]
  try {
    if (typeof own === 'function' && value instanceof own) return true
    let prototype: object | null = Object.getPrototypeOf(value)
    while (prototype !== null) {
      if (tagOf(prototype, value) === name) return true
      prototype = Object.getPrototypeOf(prototype)
    }
  } catch {
    // A proxy that was revoked is nothing any more.
  }
  return false
}

/**
 * Runs `work` while the prototypes are as old libraries leave them: an enumerable method on every object and every
 * array, and a `toJSON` that makes text of what it is given. Takes all back before anything is asserted.
 */
export async function withExtendedPrototypes<T>(work: () => T | Promise<T>): Promise<T> {
  const methods = { extendMe() {}, toJSON: () => 'changed' }
  const prototypes = [Object.prototype, Array.prototype, String.prototype, Number.prototype]
  try {
    for (const prototype of prototypes) {
      for (const [name, value] of Object.entries(methods)) {
        Object.defineProperty(prototype, name, { value, enumerable: true, configurable: true, writable: true })
      }
    }
    return await work()
  } finally {
    for (const prototype of prototypes)
      for (const name of ['extendMe', 'toJSON']) Reflect.deleteProperty(prototype, name)
  }
}

/** A part that is loaded when it is first needed. @see lazy */
export interface Lazy<T> {
  /** The part; loads it the first time. Callers that come while it loads share one load. */
  get(): Promise<T>
  /** The part if it is loaded, without loading it. */
  peek(): T | undefined
}

/**
 * Loads a part once. A failure is forgotten, so that the next call tries again. A repeated `import()` costs a microtask
 * and more even when the module is loaded; `peek` costs nothing.
 *
 * @param toError the error to reject with, made from the load's own
 */
export function lazy<T>(load: () => Promise<T>, toError: (cause: unknown) => unknown = (cause) => cause): Lazy<T> {
  let loaded: { readonly part: T } | undefined
  let loading: Promise<T> | undefined
  const start = async () => {
    try {
      const part = await load()
      loaded = { part }
      return part
    } catch (cause) {
      throw toError(cause)
    }
  }
  return {
    get() {
      if (loading === undefined) {
        loading = start()
        loading.catch(() => {
          loading = undefined
        })
      }
      return loading
    },
    peek: () => loaded?.part,
  }
}

/** Runs one task after the other. A task that fails does not stop the ones behind it. */
export interface SerialQueue {
  add<T>(task: () => Promise<T>): Promise<T>
  /** Tasks waiting or running. */
  readonly size: number
}

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  let size = 0
  return {
    add(task) {
      size += 1
      const result = last.then(task).finally(() => {
        size -= 1
      })
      last = result.catch(() => {})
      return result
    },
    get size() {
      return size
    },
  }
}

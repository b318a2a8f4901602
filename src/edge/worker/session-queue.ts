import { createSerialQueue } from '../../utils/serial-queue.ts'

/** Lets messages that have already arrived be handled before the next task. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

/**
 * One queue around creating, running and releasing: onnxruntime's WebGPU builds reject parallel calls even on two
 * sessions, and a release during a run makes the run fail. Between two tasks the worker reads its messages, so
 * that a run dropped in the meantime never starts.
 */
export function createSessionQueue() {
  const queue = createSerialQueue()
  return {
    add<T>(task: () => Promise<T>): Promise<T> {
      const waits = queue.size > 0
      return queue.add(async () => {
        if (waits) await nextTurn()
        return task()
      })
    },
  }
}

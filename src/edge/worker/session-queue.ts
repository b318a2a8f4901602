import { nextTurn } from '../../utils/next-turn.ts'
import { createSerialQueue } from '../../utils/serial-queue.ts'

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

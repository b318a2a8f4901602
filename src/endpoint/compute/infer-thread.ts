import { Worker } from 'node:worker_threads'
import { CloudError } from '../../errors/cloud-error.ts'
import { fromErrorData } from '../../errors/error-data.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'
import {
  type Claim,
  cellOf,
  type ThreadMessage,
  type ThreadOrder,
  type ThreadResult,
  type ThreadTask,
} from './thread-messages.ts'

/** A worker thread that runs one task at a time, and may already hold the next one. */
export interface InferThread {
  /** Rejects when the thread can't start. */
  readonly ready: Promise<void>
  /** Settles when the thread is gone, for whatever reason. */
  readonly gone: Promise<void>
  readonly alive: boolean
  /** Runs a task; rejects with the model's failure, or because the thread died of it. Not to be called while one runs. */
  run(task: ThreadTask, shared: SharedGraph): Promise<ThreadResult>
  /**
   * Sends the next task while another one runs, so that the thread begins it without a round trip; `run` with the same
   * inputs then gives its result. One task at a time.
   *
   * @returns the same result; rejects when the task is taken back
   */
  sendAhead(task: ThreadTask, shared: SharedGraph): Promise<ThreadResult>
  /** Takes back the task that was sent ahead. Its inputs are lost. False when it has begun, or none was sent. */
  takeBack(): boolean
  /** Releases a model's session after the tasks that were sent before. */
  forget(key: string): void
  /**
   * Ends the thread after its last run, if that ever ends: a native run that returns into a terminated thread makes
   * onnxruntime-node abort the whole process.
   */
  end(): Promise<void>
}

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** Task numbers wrap to 1 after it: the greatest even 32-bit integer, so that the two cells still alternate. */
const maxNumber = 0x7fff_fffe

const failed = (sentence: string, cause?: unknown) => new CloudError('cloud-failed', sentence, { cause })

export function openInferThread(workerUrl: URL): InferThread {
  const worker = new Worker(workerUrl)
  const loaded = new Set<string>()
  let alive = true
  let starting: Waiting<void> | undefined
  /** Waiters, in the order of the tasks: answers are matched by order alone. */
  const asked: Waiting<ThreadResult>[] = []
  let last: Promise<unknown> = Promise.resolve()
  const claim: Claim = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  let number = 0
  let ahead: { readonly task: ThreadTask; readonly result: Promise<ThreadResult> } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    starting = { resolve, reject }
  })
  // The thread may fail before anybody awaits `ready`; avoids an unhandled rejection.
  ready.catch(() => {})

  const fail = (error: Error) => {
    alive = false
    starting?.reject(error)
    for (const each of asked.splice(0)) each.reject(error)
    starting = undefined
  }
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(failed(`The thread ended with code ${code}.`))
      resolve()
    })
  })
  worker.on('error', (cause) => fail(failed('The thread failed.', cause)))
  worker.on('message', (message: ThreadMessage) => {
    if (message.status === 'ready') {
      starting?.resolve()
      starting = undefined
      return
    }
    const task = asked.shift()
    if (message.status === 'done') task?.resolve(message.result)
    else task?.reject(message.status === 'failed' ? fromErrorData(message.error) : failed('It was taken back.'))
  })

  const order = (what: ThreadOrder, transfer: ArrayBuffer[] = []) => worker.postMessage(what, transfer)
  const send = (what: ThreadOrder & { readonly task: ThreadTask }, shared: SharedGraph) => {
    const result = new Promise<ThreadResult>((resolve, reject) => {
      if (!alive) {
        reject(failed('The thread is gone.'))
        return
      }
      const { key, inputs } = what.task
      if (!loaded.has(key)) order({ kind: 'graph', key, shared })
      loaded.add(key)
      order(what, tensorBuffers(inputs))
      // Answers are matched by order: queue the waiter only after postMessage succeeded.
      asked.push({ resolve, reject })
    })
    // A task that was sent ahead may fail before its result is awaited; avoids an unhandled rejection.
    last = result.catch(() => {})
    return result
  }

  return {
    ready,
    gone,
    get alive() {
      return alive
    },
    forget(key) {
      if (alive && loaded.delete(key)) order({ kind: 'forget', key })
    },
    run(task, shared) {
      if (ahead?.task.inputs !== task.inputs) return send({ kind: 'run', task }, shared)
      const { result } = ahead
      ahead = undefined
      return result
    },
    sendAhead(task, shared) {
      number = (number % maxNumber) + 1
      Atomics.store(claim, cellOf(number), number)
      const result = send({ kind: 'run-next', task, claim, number }, shared)
      ahead = { task, result }
      return result
    },
    takeBack() {
      if (ahead === undefined || Atomics.exchange(claim, cellOf(number), 0) === 0) return false
      // The thread answers `left-out`, which rejects the task's promise.
      ahead = undefined
      return true
    },
    async end() {
      await last
      alive = false
      await worker.terminate()
    },
  }
}

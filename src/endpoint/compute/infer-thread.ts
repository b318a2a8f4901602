import { Worker } from 'node:worker_threads'
import { fromErrorData } from '../../errors/error-data.ts'
import type { SharedGraph } from '../model-folder/shared-graph.ts'
import { tensorBuffers } from './tensor-buffers.ts'
import {
  type Claim,
  cellOf,
  type ThreadMessage,
  type ThreadOrder,
  type ThreadResult,
  type ThreadTask,
} from './thread-messages.ts'

/** A worker thread that runs one task at a time, and may know the next one already. */
export interface InferThread {
  /** Rejects when the thread can't start. */
  readonly ready: Promise<void>
  /** Settles when the thread is gone, for whatever reason. */
  readonly gone: Promise<void>
  readonly alive: boolean
  /** Runs a task; rejects with the model's failure, or because the thread died of it. Not to be called while one runs. */
  run(task: ThreadTask, shared: SharedGraph): Promise<ThreadResult>
  /**
   * Sends the task that is to be run next while another one runs, so that the thread begins it without waiting to be
   * told; `run` with the same inputs then gives its result. One at a time.
   *
   * @returns the same result; rejects when the task is taken back
   */
  sendAhead(task: ThreadTask, shared: SharedGraph): Promise<ThreadResult>
  /** Takes back the task that was sent ahead, whose inputs are lost; false when it has begun, or none was sent. */
  takeBack(): boolean
  /** Lets go of a model's session, once what runs has ended. */
  forget(key: string): void
  /**
   * Ends the thread once what it was asked for has come to its end, if ever: a run that is cut off comes back to a
   * thread without JavaScript, and onnxruntime-node then ends the whole process.
   */
  end(): Promise<void>
}

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** Numbers of tasks sent ahead start again from 1 after it: what a 32-bit integer holds, and even, so cells alternate. */
const maxNumber = 0x7fff_fffe

export function openInferThread(workerUrl: URL): InferThread {
  const worker = new Worker(workerUrl)
  const loaded = new Set<string>()
  let alive = true
  let starting: Waiting<void> | undefined
  // Answers come in the order of tasks.
  const asked: Waiting<ThreadResult>[] = []
  let last: Promise<unknown> = Promise.resolve()
  const claim: Claim = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  let number = 0
  let ahead: { readonly task: ThreadTask; readonly result: Promise<ThreadResult> } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    starting = { resolve, reject }
  })
  // Whoever opened the thread may ask later than it fails.
  ready.catch(() => {})

  const fail = (error: Error) => {
    alive = false
    starting?.reject(error)
    for (const each of asked.splice(0)) each.reject(error)
    starting = undefined
  }
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new Error(`The thread ended with code ${code}.`))
      resolve()
    })
  })
  worker.on('error', (cause) => fail(new Error('The thread failed.', { cause })))
  worker.on('message', (message: ThreadMessage) => {
    if (message.status === 'ready') {
      starting?.resolve()
      starting = undefined
      return
    }
    const task = asked.shift()
    if (message.status === 'done') task?.resolve(message.result)
    else task?.reject(message.status === 'failed' ? fromErrorData(message.error) : new Error('It was taken back.'))
  })

  const order = (what: ThreadOrder, transfer: ArrayBuffer[] = []) => worker.postMessage(what, transfer)
  const send = (what: ThreadOrder & { readonly task: ThreadTask }, shared: SharedGraph) => {
    const result = new Promise<ThreadResult>((resolve, reject) => {
      if (!alive) {
        reject(new Error('The thread is gone.'))
        return
      }
      const { key, inputs } = what.task
      if (!loaded.has(key)) order({ kind: 'graph', key, shared })
      loaded.add(key)
      order(what, tensorBuffers(inputs))
      // Not before it was sent: one that could not be would take the next one's answer.
      asked.push({ resolve, reject })
    })
    // Heard here, too: whoever sent a task ahead asks for its result only once it is its turn.
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
      // The thread answers that it left it out.
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

import { Worker } from 'node:worker_threads'
import { fromErrorData } from '../errors/error-data.ts'
import type { InferMessage, InferOrder, InferTask, InferTaskResult, SharedGraph } from './infer-task.ts'
import { tensorBuffers } from './tensor-buffers.ts'

/** A worker thread that runs one task at a time. */
export interface InferThread {
  /** Rejects when the thread can't start. */
  readonly ready: Promise<void>
  /** Settles when the thread is gone, for whatever reason. */
  readonly gone: Promise<void>
  readonly alive: boolean
  /** Runs a task; rejects with the model's failure, or because the thread died of it. Not to be called while one runs. */
  run(task: InferTask, shared: SharedGraph): Promise<InferTaskResult>
  /** Lets go of a model's session, once what runs has ended. */
  forget(key: string): void
  /**
   * Ends the thread, which must be idle: the run of one that is ended meanwhile comes back to a thread without
   * JavaScript, and onnxruntime-node then ends the whole process.
   */
  end(): Promise<void>
}

interface Waiting<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

export function openInferThread(workerUrl: URL): InferThread {
  const worker = new Worker(workerUrl)
  const loaded = new Set<string>()
  let alive = true
  let starting: Waiting<void> | undefined
  let running: Waiting<InferTaskResult> | undefined
  const ready = new Promise<void>((resolve, reject) => {
    starting = { resolve, reject }
  })
  // Whoever opened the thread may ask later than it fails.
  ready.catch(() => {})

  const fail = (error: Error) => {
    alive = false
    starting?.reject(error)
    running?.reject(error)
    starting = undefined
    running = undefined
  }
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      fail(new Error(`The thread ended with code ${code}.`))
      resolve()
    })
  })
  worker.on('error', (cause) => fail(new Error('The thread failed.', { cause })))
  worker.on('message', (message: InferMessage) => {
    if (message.status === 'ready') {
      starting?.resolve()
      starting = undefined
      return
    }
    const task = running
    running = undefined
    if (message.status === 'done') task?.resolve(message.result)
    else task?.reject(fromErrorData(message.error))
  })

  const order = (what: InferOrder, transfer: ArrayBuffer[] = []) => worker.postMessage(what, transfer)

  return {
    ready,
    gone,
    get alive() {
      return alive
    },
    forget(key) {
      if (alive && loaded.delete(key)) order({ kind: 'forget', key })
    },
    run: (task, shared) =>
      new Promise((resolve, reject) => {
        if (!alive) {
          reject(new Error('The thread is gone.'))
          return
        }
        running = { resolve, reject }
        if (!loaded.has(task.key)) order({ kind: 'load', key: task.key, shared })
        loaded.add(task.key)
        order({ kind: 'run', task }, tensorBuffers(task.inputs))
      }),
    async end() {
      alive = false
      await worker.terminate()
    },
  }
}

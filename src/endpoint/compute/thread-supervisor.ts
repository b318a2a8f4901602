import { CapabilityError } from '../../errors/capability-error.ts'
import { type InferThread, openInferThread } from './infer-thread.ts'

/** Keeps a number of threads alive, beside those that are stuck in a run, and says which are free. */
export interface ThreadSupervisor {
  readonly free: ReadonlySet<InferThread>
  /** Threads whose run was given up and still goes on, with its model's key. */
  readonly stuck: ReadonlyMap<InferThread, string>
  /** Resolves when a thread is ready; rejects with `worker-unavailable`, a CapabilityError, when none could start. */
  readonly started: Promise<void>
  take(thread: InferThread): void
  /** The thread has ended its run. A thread that is stuck or gone does not become free. */
  giveBack(thread: InferThread): void
  /** Gives a thread up: another one takes its place at once, and it is ended when its run has come to its end. */
  giveUp(thread: InferThread, key: string): void
  forget(key: string): void
  /** Ends the threads that are not stuck. */
  end(): Promise<void>
}

/** Milliseconds before a thread that could not start is tried again. */
const restartMs = 1000

export function createThreadSupervisor(options: {
  readonly workers: number
  readonly workerUrl: URL
  readonly onFault: (error: unknown) => void
  /** Called when a thread has become free. */
  readonly onFree: () => void
}): ThreadSupervisor {
  const { workers, workerUrl, onFault, onFree } = options
  const threads = new Set<InferThread>()
  const free = new Set<InferThread>()
  const stuck = new Map<InferThread, string>()
  let ended = false
  let failed = 0
  let settleStarted: { resolve: () => void; reject: (error: Error) => void } | undefined
  const started = new Promise<void>((resolve, reject) => {
    settleStarted = { resolve, reject }
  })
  started.catch(() => {})

  const giveBack = (thread: InferThread) => {
    if (!thread.alive || stuck.has(thread)) return
    free.add(thread)
    onFree()
  }
  const add = () => {
    if (ended) return
    const thread = openInferThread(workerUrl)
    threads.add(thread)
    let works = false
    thread.ready.then(
      () => {
        works = true
        settleStarted?.resolve()
        giveBack(thread)
      },
      (cause: unknown) => {
        onFault(cause)
        failed += 1
        const sentence = 'The threads that run models can not start; is onnxruntime-node installed for this system?'
        if (failed >= workers) settleStarted?.reject(new CapabilityError('worker-unavailable', sentence, { cause }))
      },
    )
    void thread.gone.then(() => {
      free.delete(thread)
      const wasStuck = stuck.delete(thread)
      threads.delete(thread)
      // A stuck thread was replaced when it was given up.
      if (!wasStuck) setTimeout(add, works ? 0 : restartMs).unref()
    })
  }
  for (let count = 0; count < workers; count += 1) add()

  return {
    free,
    stuck,
    started,
    take: (thread) => free.delete(thread),
    giveBack,
    giveUp(thread, key) {
      stuck.set(thread, key)
      add()
      void thread.end()
    },
    forget(key) {
      for (const thread of threads) thread.forget(key)
    },
    async end() {
      ended = true
      // A thread must not be ended while it loads native code.
      await Promise.allSettled([...threads].map(({ ready }) => ready))
      await Promise.all([...threads].filter((thread) => !stuck.has(thread)).map((thread) => thread.end()))
    },
  }
}

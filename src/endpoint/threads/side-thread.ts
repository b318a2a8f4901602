import { Worker } from 'node:worker_threads'
import { CloudError } from '../../errors/cloud-error.ts'
import { fromErrorData } from '../../errors/error-data.ts'
import type { ThreadAnswer, ThreadCall, ThreadMethods } from './thread-calls.ts'

/** A thread for work that would hold up the event loop: reading large bodies, splitting texts, a database. */
export interface SideThread<M extends ThreadMethods> {
  /**
   * Calls a method. The first call starts the thread; one that has died is started again by the next.
   *
   * @param options.transfer memory of the arguments that is given away
   * @param options.limitMs a call that takes longer costs the thread: all of its calls fail, and the next starts another
   * @throws {CloudError} `cloud-timeout` after `limitMs`; `cloud-overloaded` when the thread ends before it answers
   * @throws what the method throws, with its code
   */
  call<K extends keyof M & string>(
    method: K,
    args: Parameters<M[K]>,
    options?: { readonly transfer?: readonly ArrayBuffer[]; readonly limitMs?: number },
  ): Promise<Awaited<ReturnType<M[K]>>['value']>
  /** Ends the thread. Calls under way fail; later ones are refused. Idempotent. */
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * @param options.memoryBytes largest heap; a thread that needs more ends, and the process does not
 * @param options.data what the thread finds in `workerData`
 * @param options.onFault called with the cause when the thread dies
 */
export function openSideThread<M extends ThreadMethods>(
  script: URL,
  options: { readonly memoryBytes?: number; readonly data?: unknown; readonly onFault?: (cause: unknown) => void } = {},
): SideThread<M> {
  const { memoryBytes, data, onFault = () => {} } = options
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let worker: Worker | undefined
  let closed = false

  const failAll = (error: CloudError) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  const start = (): Worker => {
    const limits =
      memoryBytes === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memoryBytes / 2 ** 20) } }
    const own = startScript(script, { ...limits, workerData: data })
    const gone = (cause?: unknown) => {
      if (worker !== own) return
      worker = undefined
      if (cause !== undefined) onFault(cause)
      failAll(new CloudError('cloud-overloaded', 'The endpoint could not finish this request; try again.', { cause }))
    }
    own.on('error', gone)
    own.on('exit', () => gone())
    own.on('message', (message: ThreadAnswer) => {
      const call = waiting.get(message.id)
      waiting.delete(message.id)
      // Without calls it must not keep the process alive.
      if (waiting.size === 0) own.unref()
      if (message.status === 'done') call?.resolve(message.value)
      else call?.reject(fromErrorData(message.error))
    })
    return own
  }

  const giveUp = (limitMs: number) => {
    const slow = worker
    worker = undefined
    void slow?.terminate()
    failAll(new CloudError('cloud-timeout', `It took longer than ${limitMs / 1000} seconds and was given up.`))
  }

  return {
    async call(method, args, { transfer = [], limitMs } = {}) {
      if (closed) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
      worker ??= start()
      const own = worker
      lastId += 1
      const call: ThreadCall = { id: lastId, method, args }
      const result = new Promise<unknown>((resolve, reject) => {
        // Queued only after postMessage succeeded: what can't be cloned throws.
        own.postMessage(call, transfer)
        own.ref()
        waiting.set(call.id, { resolve, reject })
      })
      const timer = limitMs === undefined ? undefined : setTimeout(() => giveUp(limitMs), limitMs)
      try {
        return (await result) as never
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      closed = true
      const own = worker
      worker = undefined
      failAll(new CloudError('cloud-overloaded', 'The endpoint is closing.'))
      await own?.terminate()
    },
  }
}

/**
 * Starts a thread. From the sources, as tests and benches run them, the script is TypeScript, which a thread of Node 20
 * can't run.
 */
export function startScript(script: URL, options: ConstructorParameters<typeof Worker>[1] = {}): Worker {
  if (!script.pathname.endsWith('.ts')) return new Worker(script, options)
  const run = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(script.href)}) })`
  return new Worker(run, { ...options, eval: true })
}

/** The script of this name beside the module at `from`: compiled, or from the sources. */
export const scriptBeside = (name: string, from: string): URL =>
  new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)

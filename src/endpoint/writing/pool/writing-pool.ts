import { CloudError } from '../../../errors/cloud-error.ts'
import { bytesPerToken } from '../../../models/manifest/writing-memory.ts'
import type { ReadyModel } from '../../model-folder/load-models.ts'
import type { TakeEvent, WrittenEnd } from '../thread/writing-thread.ts'
import { createCacheRoom, type TakenRoom } from './cache-room.ts'
import type { ModelThreads } from './model-threads.ts'
import { createWritingHistory, predictFirstTokenMs, type WritingHistory } from './writing-history.ts'
import { overloaded, type WritingTask } from './writing-task.ts'

/** Writes answers in threads, one for each language model that is in use. */
export interface WritingPool {
  /**
   * Writes an answer, or goes on with one.
   *
   * @throws {CloudError} `cloud-overloaded`: no room, or its first token would come too late; `cloud-failed`,
   *   `cloud-timeout`: the thread has died, or a run of it has no end
   * @throws what the model's writer throws; the signal's reason, within a step of the model
   */
  write(task: WritingTask, take: TakeEvent, signal: AbortSignal): Promise<WrittenEnd & { readonly queueMs: number }>
  /** Would a request be taken now? @throws {CloudError} `cloud-overloaded` */
  admit(model: ReadyModel, promptTokens: number, deadlineAtMs: number | undefined): void
  /** Ends the thread of a model that is not served any more, once its answers have ended. */
  forget(model: ReadyModel): void
  /** Answers that are being written. */
  readonly active: number
  /** Requests that wait for room. */
  readonly waiting: number
  /** Bytes of keys and values of the answers that are being written. */
  readonly usedBytes: number
  readonly stuckThreads: number
  /** Takes no more requests, waits for those that it has, and ends the threads. Idempotent. */
  close(): Promise<void>
}

/** Answers of one model that take turns at most: with more, all would be slow, and none quick. */
const atATime = 16
/** Answers of one model that are begun, those included whose readers are too slow for them to have turns. */
const mostBegun = 256
/** Tokens that an answer is reckoned with before any has ended. */
const usualAnswerTokens = 256

interface Waiting {
  readonly task: WritingTask
  readonly start: () => void
}

/** What is known of a model that is in use. */
interface ModelState {
  readonly history: WritingHistory
  /** Answers that were begun and have not ended. */
  begun: number
  /** Those among them that do not wait for their readers. */
  active: number
  waiting: number
}

/**
 * @param options.cacheBytes that keys and values of answers may take while they are written, of all models together.
 *   Beyond, requests wait, and the youngest answers stand still until others have ended
 * @param options.maxQueue requests of one model that may wait
 */
export function createWritingPool(options: {
  readonly threads: ModelThreads
  readonly cacheBytes: number
  readonly maxQueue: number
  readonly maxWaitMs: number
  readonly now?: () => number
}): WritingPool {
  const { threads, cacheBytes, maxQueue, maxWaitMs, now = () => performance.now() } = options
  const room = createCacheRoom(cacheBytes)
  const states = new Map<ReadyModel, ModelState>()
  const retired = new Set<ReadyModel>()
  const underWay = new Set<Promise<unknown>>()
  let queue: Waiting[] = []
  let closing: Promise<void> | undefined

  const stateOf = (model: ReadyModel): ModelState => {
    const known = states.get(model)
    if (known !== undefined) return known
    const fresh = { history: createWritingHistory(), begun: 0, active: 0, waiting: 0 }
    states.set(model, fresh)
    return fresh
  }
  const tokensOf = ({ model, promptTokens, request }: WritingTask) => {
    const expected = Math.min(request.maxTokens, Math.ceil(stateOf(model).history.length.meanMs ?? usualAnswerTokens))
    return Math.min(model.manifest.generation.contextTokens, promptTokens + expected)
  }
  const bytesOf = (task: WritingTask) => tokensOf(task) * bytesPerToken(task.model.manifest.generation)

  const predict = (model: ReadyModel, promptTokens: number) => {
    const { history, active, waiting } = stateOf(model)
    return predictFirstTokenMs(history, { promptTokens, active, waiting, atATime })
  }
  const admit = (model: ReadyModel, promptTokens: number, deadlineAtMs: number | undefined) => {
    if (closing !== undefined) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
    const firstMs = predict(model, promptTokens)
    if (stateOf(model).waiting >= maxQueue) throw overloaded(firstMs)
    if (deadlineAtMs !== undefined && now() + firstMs > deadlineAtMs) throw overloaded(firstMs)
  }

  /** Starts what there is room for, the longest waiting first: a large request is not passed by small ones for ever. */
  const pump = () => {
    const left: Waiting[] = []
    let isFull = false
    for (const each of queue) {
      const { active, begun } = stateOf(each.task.model)
      const hasTurn = active < atATime && begun < mostBegun
      if (!isFull && hasTurn && !room.fits(bytesOf(each.task))) isFull = true
      if (isFull || !hasTurn) left.push(each)
      else each.start()
    }
    queue = left
  }

  /** Resolves when there is room, which is taken at once: others may be started in the same turn. */
  const wait = (task: WritingTask, signal: AbortSignal): Promise<TakenRoom> =>
    new Promise((resolve, reject) => {
      const state = stateOf(task.model)
      const end = () => {
        clearTimeout(patience)
        signal.removeEventListener('abort', leave)
        state.waiting -= 1
        queue = queue.filter((other) => other !== own)
      }
      const leave = () => {
        end()
        reject(signal.reason)
      }
      const own: Waiting = {
        task,
        start() {
          end()
          state.begun += 1
          state.active += 1
          resolve(room.take(bytesOf(task)))
        },
      }
      const limitMs = Math.min(maxWaitMs, (task.deadlineAtMs ?? Number.POSITIVE_INFINITY) - now())
      const patience = setTimeout(() => {
        end()
        reject(overloaded(predict(task.model, task.promptTokens)))
      }, limitMs)
      signal.addEventListener('abort', leave, { once: true })
      state.waiting += 1
      queue.push(own)
      pump()
    })

  const run = async (task: WritingTask, takeEvent: TakeEvent, signal: AbortSignal, taken: TakenRoom) => {
    const { model, request } = task
    const state = stateOf(model)
    const { history } = state
    const perToken = bytesPerToken(model.manifest.generation)
    const startMs = now()
    let tokens = 0
    let read = 0
    let firstMs: number | undefined
    let lastMs = 0
    /** Events that its reader has asked time for. While there are some, others have its turns. */
    let untaken = 0
    const wait = async (later: Promise<void>) => {
      untaken += 1
      if (untaken === 1) {
        state.active -= 1
        pump()
      }
      await later.catch(() => {})
      untaken -= 1
      if (untaken === 0) state.active += 1
    }
    const take: TakeEvent = (event, ms) => {
      if (event.type === 'prompt') taken.uses((event.ids.length + (event.answer?.length ?? 0)) * perToken)
      else if (event.type === 'read') read = event.read - event.cached
      else {
        firstMs ??= ms
        lastMs = ms
        tokens += event.tokens.length
        taken.uses(event.tokens.length * perToken)
      }
      const later = takeEvent(event, ms)
      const hasRoom = taken.room()
      return later === undefined ? hasRoom : wait(later).then(() => hasRoom)
    }
    try {
      const end = await threads.get(model).write(request, take, signal)
      history.length.add(tokens)
      history.answer.add(now() - startMs)
      return end
    } finally {
      if (firstMs !== undefined && read > 0) history.read.add(firstMs / read)
      if (firstMs !== undefined && tokens > 1) history.write.add((lastMs - firstMs) / (tokens - 1))
    }
  }

  const release = (model: ReadyModel) => {
    const { begun = 0, waiting = 0 } = states.get(model) ?? {}
    if (begun > 0 || waiting > 0) return
    states.delete(model)
    retired.delete(model)
    threads.forget(model)
  }

  const write: WritingPool['write'] = async (task, take, signal) => {
    signal.throwIfAborted()
    const { model } = task
    const arrivedMs = now()
    const taken = await wait(task, signal)
    const queueMs = now() - arrivedMs
    try {
      return { ...(await run(task, take, signal, taken)), queueMs }
    } finally {
      taken.give()
      const state = stateOf(model)
      state.begun -= 1
      state.active -= 1
      if (retired.has(model)) release(model)
      pump()
    }
  }

  return {
    admit,
    async write(task, take, signal) {
      admit(task.model, task.promptTokens, task.deadlineAtMs)
      const writing = write(task, take, signal)
      underWay.add(writing)
      return writing.finally(() => underWay.delete(writing))
    },
    forget(model) {
      retired.add(model)
      release(model)
    },
    get active() {
      return [...states.values()].reduce((sum, { begun }) => sum + begun, 0)
    },
    get waiting() {
      return queue.length
    },
    get usedBytes() {
      return room.usedBytes
    },
    get stuckThreads() {
      return threads.stuck
    },
    close() {
      closing ??= Promise.allSettled(underWay).then(() => threads.end())
      return closing
    },
  }
}

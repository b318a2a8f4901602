import type { Worker } from 'node:worker_threads'
import { CloudError } from '../../../errors/cloud-error.ts'
import { fromErrorData } from '../../../errors/error-data.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../../../generation/writer/write-request.ts'
import { startScript } from '../../threads/side-thread.ts'
import { eventsAhead, type WritingModel, type WritingNews, type WritingOrder } from './writing-messages.ts'

/** What became of an answer. */
export interface WrittenEnd extends WriteEnd {
  /** Milliseconds that its own runs have taken. */
  readonly ms: number
}

/**
 * Takes an answer's events.
 *
 * @param ms milliseconds that its own runs have taken so far
 * @returns a promise where it can take no more for now: until it resolves, little more is written
 */
export type TakeEvent = (event: WriteEvent, ms: number) => void | Promise<void>

/** A thread that writes with one language model, several answers at a time. */
export interface WritingThread {
  /**
   * Writes an answer.
   *
   * @throws {CloudError} `cloud-failed`: the thread has died; `cloud-timeout`: it was given up
   * @throws what the writer throws; the signal's reason, once the thread has stopped, which is within one run
   */
  write(request: WriteRequest, take: TakeEvent, signal: AbortSignal): Promise<WrittenEnd>
  /** False once it has died, was given up or is ending: the next answer needs another one. */
  readonly usable: boolean
  /** Was it given up in a run that has not come to its end? */
  readonly stuck: boolean
  /** Ends it between two runs; what it writes fails. Resolves when it is gone, or stuck. */
  end(): Promise<void>
}

interface Waiting {
  readonly take: TakeEvent
  readonly resolve: (end: WrittenEnd) => void
  readonly reject: (error: Error) => void
  /** Events that its reader has taken and the thread was not told of. */
  untold: number
  /** Its reader has asked for time: nothing comes until it has had it. */
  held: number
}

/** Events are acknowledged so many at a time. */
const eventsATime = eventsAhead / 4

/**
 * Starts a thread and has it open a model.
 *
 * @param options.silenceMs how long a run may take: with no news for so long while it has something to write, the thread
 *   is given up. It ends itself when the run comes to its end; ended from outside, onnxruntime-node would abort the process
 * @param options.openMs how long opening the model may take
 * @param options.onFault called with the cause when it dies or is given up
 */
export function openWritingThread(options: {
  readonly script: URL
  readonly model: WritingModel
  readonly silenceMs: number
  readonly openMs: number
  readonly onFault: (cause: unknown) => void
}): WritingThread {
  const { script, model, silenceMs, openMs, onFault } = options
  const worker: Worker = startScript(script)
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let usable = true
  let stuck = false
  let gone = false
  let opened = false
  let silence: NodeJS.Timeout | undefined
  const order = (what: WritingOrder) => {
    if (!gone) worker.postMessage(what)
  }

  const failAll = (error: Error) => {
    usable = false
    clearTimeout(silence)
    const all = [...waiting.values()]
    waiting.clear()
    for (const each of all) each.reject(error)
  }
  const giveUp = () => {
    const error = new CloudError('cloud-timeout', 'The model took too long for a part of its answer, and was given up.')
    stuck = true
    onFault(error)
    // Read once the run has come to its end, if it ever does.
    order({ kind: 'end' })
    worker.unref()
    failAll(error)
  }
  /** Waits for news anew: for as long as it has something to write. */
  const watch = () => {
    clearTimeout(silence)
    if (!usable || (opened && [...waiting.values()].every(({ held }) => held > 0))) return
    silence = setTimeout(giveUp, opened ? silenceMs : openMs)
    silence.unref()
  }
  const settle = (id: number): Waiting | undefined => {
    const call = waiting.get(id)
    waiting.delete(id)
    return call
  }

  const take = (id: number, call: Waiting, event: WriteEvent, ms: number) => {
    const acknowledge = () => {
      call.untold += 1
      if (call.untold < eventsATime || !waiting.has(id)) return
      order({ kind: 'taken', id, events: call.untold })
      call.untold = 0
    }
    const later = call.take(event, ms)
    if (later === undefined) return acknowledge()
    call.held += 1
    const goOn = () => {
      call.held -= 1
      acknowledge()
      watch()
    }
    later.then(goOn, goOn)
  }

  const exited = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      gone = true
      stuck = false
      failAll(new CloudError('cloud-failed', `The thread that writes has ended with code ${code}.`))
      resolve()
    })
  })
  worker.on('error', (cause) => {
    onFault(cause)
    failAll(new CloudError('cloud-failed', 'The thread that writes has failed; ask again.', { cause }))
  })
  worker.on('message', (news: WritingNews) => {
    if (news.kind === 'opened') opened = true
    else if (news.kind === 'unopened') {
      const error = fromErrorData(news.error)
      onFault(error)
      failAll(error)
      order({ kind: 'end' })
    } else if (news.kind === 'event') {
      const call = waiting.get(news.id)
      if (call !== undefined) take(news.id, call, news.event, news.ms)
    } else if (news.kind === 'done') settle(news.id)?.resolve({ ...news.end, ms: news.ms })
    else settle(news.id)?.reject(fromErrorData(news.error))
    watch()
  })
  order({ kind: 'open', model })
  watch()

  return {
    get usable() {
      return usable
    },
    get stuck() {
      return stuck
    },
    async write(request, takeEvent, signal) {
      signal.throwIfAborted()
      if (!usable) throw new CloudError('cloud-failed', 'The thread that writes is gone; ask again.')
      lastId += 1
      const id = lastId
      const abort = () => order({ kind: 'abort', id })
      try {
        return await new Promise<WrittenEnd>((resolve, reject) => {
          order({ kind: 'write', id, request })
          waiting.set(id, { take: takeEvent, resolve, reject, untold: 0, held: 0 })
          signal.addEventListener('abort', abort, { once: true })
          watch()
        })
      } catch (error) {
        signal.throwIfAborted()
        throw error
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
    async end() {
      failAll(new CloudError('cloud-overloaded', 'The endpoint is closing, or the model was taken out of use.'))
      order({ kind: 'end' })
      if (!stuck) await exited
    },
  }
}

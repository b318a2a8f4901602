import type { WriteEvent } from '../../../generation/writer/write-request.ts'
import { formatEvent } from '../../../protocol/openai/answer-form.ts'
import { toOpenAiError } from '../../openai/openai-front.ts'
import type { TakeEvent, WrittenEnd } from '../thread/writing-thread.ts'
import { createEventLog, type EventLog } from './event-log.ts'
import type { Telling } from './tell-answer.ts'

/** Of each stream, for a reader who comes back. */
const keptBytes = 64 * 1024

/**
 * Streams an answer as server-sent events, each with a number.
 *
 * @param options.write writes it
 * @param options.resumable whether it is written on when its reader has gone
 * @param options.hungUp aborts when the connection that asked for it is closed
 * @param options.onBegin told of its events, before the first one is read
 * @param options.onEnd called before the last event is sent; without an end it has failed, or nobody reads it any more
 * @returns its events, once the prompt was read
 * @throws what `write` throws before that
 */
export async function streamAnswer(options: {
  readonly write: (take: TakeEvent, signal: AbortSignal) => Promise<WrittenEnd>
  readonly telling: Telling
  readonly resumable: boolean
  readonly stallMs: number
  readonly hungUp: AbortSignal
  readonly onEvent: (event: WriteEvent) => void
  readonly onBegin: (log: EventLog) => void
  readonly onEnd: (outcome: WrittenEnd | 'failed' | 'aborted') => void
}): Promise<EventLog> {
  const { write, telling, resumable, stallMs, hungUp, onEvent, onBegin, onEnd } = options
  const controller = new AbortController()
  const leave = () => controller.abort(new Error('the client hung up'))
  const log = createEventLog({ keptBytes, stallMs, onLeft: () => (resumable ? undefined : leave()) })
  let id = 0
  const addAll = (events: readonly (object | '[DONE]')[]) => {
    let later: Promise<void> | undefined
    for (const event of events) {
      id += 1
      later = log.add(id, formatEvent(id, event)) ?? later
    }
    return later
  }

  // Until it begins, nobody knows its id, and could come back for it.
  if (hungUp.aborted) leave()
  hungUp.addEventListener('abort', leave, { once: true })
  let hasBegun = false
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const writing = write((event) => {
    onEvent(event)
    const later = addAll(telling.event(event))
    if (event.type === 'prompt') {
      hasBegun = true
      begin()
    }
    return later
  }, controller.signal)
  const finished = writing.then(
    (end) => {
      onEnd(end)
      addAll([...telling.end(end), '[DONE]'])
    },
    (error: Error) => {
      onEnd(controller.signal.aborted ? 'aborted' : 'failed')
      if (!hasBegun) throw error
      if (!controller.signal.aborted) addAll([toOpenAiError(error).body])
    },
  )
  const ended = finished.finally(() => log.end())
  ended.catch(() => {})
  await Promise.race([begun, ended])
  hungUp.removeEventListener('abort', leave)
  onBegin(log)
  return log
}

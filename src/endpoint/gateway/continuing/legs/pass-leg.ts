import { createWholeCharacters } from '../../../../generation/handover/whole-characters.ts'
import { cutOff } from '../../../../protocol/text-server/text-chunk.ts'
import { doneEvent, withoutIds } from '../answer/chunk-form.ts'
import { type Failure, toFailure } from '../failing/failure.ts'
import { nextEvents, openEventSource, type SourceEvent } from '../reading/event-source.ts'
import { type ReadEvent, readEvent } from '../reading/read-event.ts'
import { maxWholeBytes } from '../reading/stream-form.ts'
import type { Leg, LegContext, LegEnd } from './leg.ts'

interface Waiting {
  readonly source: SourceEvent
  readonly read: ReadEvent | 'done' | undefined
}

/**
 * Gives an upstream's events on as they come, each one whole, and notes what the answer is by them. An event whose text
 * ends within a character waits for the rest: where the upstream dies in between, nobody has seen half of it.
 */
export async function* passLeg(leg: Leg, context: LegContext): AsyncGenerator<Buffer, LegEnd> {
  const { record, form, pace, timers, now, onBegun, hasOther } = context
  const source = openEventSource(leg.response.body, { maxBytes: maxWholeBytes, timers })
  const characters = createWholeCharacters()
  let openCharacters = 0
  let waiting: Waiting[] = []
  let failure: Failure | undefined
  let isDone = false

  const take = ({ source: event, read }: Waiting): boolean => {
    waiting.push({ source: event, read })
    if (event.isLong) record.forget()
    if (read === 'done') isDone = true
    if (read === undefined || read === 'done') return openCharacters === 0 || read === 'done'
    form.learn(read.json)
    const { text, finish, usage, promptIds } = read.chunk
    record.hasPrompt({ tokens: usage?.promptTokens, ids: promptIds })
    openCharacters += text.length - characters.push(text).length
    return openCharacters === 0 || finish !== undefined
  }
  const release = (): Buffer[] => {
    const released = waiting.map((each) => {
      note(each.read, context)
      return toBytes(each, leg)
    })
    waiting = []
    return released
  }

  try {
    while (failure === undefined) {
      const fromMs = now()
      let events: readonly SourceEvent[] | undefined
      try {
        events = await nextEvents(source, pace.limitMs, hasOther)
      } catch (cause) {
        failure = toFailure(cause)
        break
      }
      if (events === undefined) break
      const out: Buffer[] = []
      let texts = 0
      for (const event of events) {
        try {
          const read = event.event && readEvent(event.event)
          if (typeof read === 'object' && read.chunk.text !== '') texts += 1
          if (take({ source: event, read })) out.push(...release())
        } catch (cause) {
          failure = toFailure(cause, event.bytes)
          break
        }
      }
      pace.came(texts, now() - fromMs)
      if (texts > 0) onBegun()
      if (out.length > 0) yield out.length === 1 && out[0] !== undefined ? out[0] : Buffer.concat(out)
    }
    const rest = source.rest()
    // The last event may lack its blank line.
    if (!isDone && failure === undefined && /^\s*data:\s*\[DONE\]\s*$/.test(rest.toString())) {
      isDone = true
      yield Buffer.concat([...release(), Buffer.from(doneEvent)])
    }
    const isOver = record.isEnded && failure === undefined && rest.length === 0
    if (isDone || isOver) return { isWhole: true, failure: undefined }
    failure ??= toFailure(cutOff())
    if (!record.isEnded) return { isWhole: false, failure }
    yield Buffer.from(doneEvent)
    return { isWhole: true, failure }
  } finally {
    await source.close()
  }
}

function note(read: ReadEvent | 'done' | undefined, { record }: LegContext): void {
  if (typeof read !== 'object') return
  const { chunk } = read
  const { text, reasoning, ids, usage } = chunk
  const counted = usage === undefined || chunk.finish !== undefined ? undefined : usage.answerTokens - record.written
  const tokens = ids?.length ?? (counted !== undefined && counted > 0 ? counted : text + reasoning === '' ? 0 : 1)
  if (text !== '' || tokens > 0) record.shows({ text, held: '', tokens, ids })
  record.passed(chunk)
}

function toBytes({ source, read }: Waiting, { asksIds }: Leg): Buffer {
  if (!asksIds || typeof read !== 'object' || source.event === undefined) return source.bytes
  const { event, id } = source.event
  const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`
  return Buffer.from(`${head}data: ${withoutIds(read.json)}\n\n`)
}

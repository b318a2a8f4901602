import { createParser } from 'eventsource-parser'
import { CloudError } from '../../errors/cloud-error.ts'

/** One server-sent event. */
export interface StreamEvent {
  /** Its type; undefined where the server names none. */
  readonly event?: string | undefined
  readonly id?: string | undefined
  readonly data: string
}

/** Characters that one event may have: a token's log-probabilities take a few thousand. */
const mostCharacters = 4 * 1024 * 1024

/**
 * Reads server-sent events from bytes, wherever these are cut. An event that was not ended by a blank line is no event:
 * the stream was cut there.
 *
 * @param maxCharacters that one event may have
 */
export function createEventReader(maxCharacters = mostCharacters): {
  /** @returns the events that ended in these bytes. @throws {CloudError} `cloud-bad-response`: one is too long */
  push(bytes: Uint8Array): readonly StreamEvent[]
} {
  const decoder = new TextDecoder()
  let events: StreamEvent[] = []
  let isTooLong = false
  const parser = createParser({
    maxBufferSize: maxCharacters,
    onEvent: ({ event, id, data }) => events.push({ event, id, data }),
    onError({ type, field, value = '' }) {
      if (type === 'max-buffer-size-exceeded') isTooLong = true
      // llama.cpp's server wrote failures as a field of this name, which is no part of the format.
      else if (field === 'error') events.push({ event: 'error', data: value })
    },
  })
  return {
    push(bytes) {
      parser.feed(decoder.decode(bytes, { stream: true }))
      if (isTooLong) {
        throw new CloudError('cloud-bad-response', `An event of the endpoint's answer is longer than it may be.`, {
          context: { limitBytes: maxCharacters },
        })
      }
      const whole = events
      events = []
      return whole
    },
  }
}

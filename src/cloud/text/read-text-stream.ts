import { CloudError } from '../../errors/cloud-error.ts'
import { createEventReader } from '../../protocol/text-server/event-reader.ts'
import { cutOff, parseTextChunk, parseTextEvent, type TextChunk } from '../../protocol/text-server/text-chunk.ts'
import { systemTimers, type Timers } from '../../utils/with-deadline.ts'
import { readBody } from '../read-body.ts'

/** Bytes that an answer may have which comes in one piece. */
const mostWholeBytes = 16 * 1024 * 1024

/** An alarm that goes off when nothing was heard for too long. */
export interface SilenceWatch {
  readonly signal: AbortSignal
  /** Something came. */
  heard(): void
  /** Nothing more is expected. */
  stop(): void
}

/**
 * Watches for silence. An event that says nothing is a sign of life; bytes of no event are none.
 *
 * @param options.firstMs longest silence before the first event, from now on, in milliseconds
 * @param options.gapMs longest silence between two
 */
export function watchSilence(options: {
  readonly firstMs: number
  readonly gapMs: number
  readonly timers?: Timers
}): SilenceWatch {
  const { firstMs, gapMs, timers = systemTimers } = options
  const controller = new AbortController()
  const begin = (ms: number) =>
    timers.setTimeout(() => {
      const sentence = `The endpoint has sent nothing for ${Math.round(ms)} ms.`
      controller.abort(new CloudError('cloud-timeout', sentence, { context: { silentMs: ms } }))
    }, ms)
  let timer = begin(firstMs)
  return {
    signal: controller.signal,
    heard() {
      timers.clearTimeout(timer)
      timer = begin(gapMs)
    },
    stop: () => timers.clearTimeout(timer),
  }
}

/**
 * Reads an answer of OpenAI's chat or completions API as it comes: a stream of events, or all in one piece from a server
 * that does not stream.
 *
 * @param options.onBytes told how many bytes have come
 * @param options.onChunk told each piece; true once no more is wanted: the rest is not read
 * @throws {CloudError} `cloud-bad-response`: it is no such answer; with `context.cutOff` where it has no end; what an
 *   error event stands for
 * @throws the signal's reason
 */
export async function readTextStream(
  response: Response,
  options: {
    readonly signal: AbortSignal
    readonly onBytes?: ((bytes: number) => void) | undefined
    readonly onChunk: (chunk: TextChunk) => boolean | undefined
  },
): Promise<void> {
  const { signal, onBytes = () => {}, onChunk } = options
  const type = response.headers.get('Content-Type') ?? ''
  if (/\bjson\b/i.test(type)) {
    const body = await readBody(response, { limitBytes: mostWholeBytes, signal })
    onBytes(body.byteLength)
    onChunk({ finish: 'stop', ...parseTextChunk(parseBody(body)) })
    return
  }
  if (!/^text\/event-stream\b/i.test(type) || response.body === null) {
    await response.body?.cancel().catch(() => {})
    throw new CloudError('cloud-bad-response', 'The endpoint answered with a page or a file instead of a text.', {
      context: { status: response.status, type: type.slice(0, 100) },
    })
  }
  const reader = response.body.getReader()
  const events = createEventReader()
  // A body that is not fetch's own does not know the signal.
  const stop = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  let isEnded = false
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        signal.throwIfAborted()
        if (isEnded) return { done: true, value: undefined }
        throw cutOff(cause)
      })
      signal.throwIfAborted()
      if (done || value === undefined) break
      onBytes(value.byteLength)
      for (const event of events.push(value)) {
        const chunk = parseTextEvent(event)
        if (chunk === 'done') return
        isEnded ||= chunk.finish !== undefined
        if (onChunk(chunk) === true) return
      }
    }
    if (!isEnded) throw cutOff()
  } catch (error) {
    // The end had come, and only what follows it is missing.
    if (!isEnded || !isSilence(error)) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    // Ends the server's work, too, where it goes on.
    await reader.cancel().catch(() => {})
  }
}

const isSilence = (error: unknown): boolean => error instanceof CloudError && error.context.silentMs !== undefined

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new CloudError('cloud-bad-response', 'The endpoint answered with something that is no JSON.', { cause })
  }
}

import { createEventReader } from '../../src/protocol/text-server/event-reader.ts'
import { parseTextEvent } from '../../src/protocol/text-server/text-chunk.ts'

/** When an answer's tokens came. */
export interface StreamTimes {
  /** From the request to the first text, in milliseconds. */
  readonly firstTokenMs: number
  /** Between two tokens, on average, in milliseconds; NaN where there was one alone. */
  readonly tokenMs: number
  readonly tokens: number
}

/** What is asked of both servers. */
export interface StreamRequest {
  readonly model: string
  readonly prompt: string
  readonly maxTokens: number
}

/**
 * Streams a greedy completion, and takes the times at which its events came.
 *
 * @throws {Error} the server refused, or wrote nothing
 */
export async function timeStream(url: string, { model, prompt, maxTokens }: StreamRequest): Promise<StreamTimes> {
  const counted = { stream: true, stream_options: { include_usage: true } }
  const body = { model, prompt, max_tokens: maxTokens, temperature: 0, ...counted }
  const startMs = performance.now()
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok || response.body === null) {
    throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  }
  const events = createEventReader()
  const times: number[] = []
  let counts: number | undefined
  for await (const bytes of response.body) {
    for (const event of events.push(bytes)) {
      const chunk = parseTextEvent(event)
      if (chunk === 'done') continue
      counts = chunk.usage?.answerTokens ?? counts
      if (chunk.text !== '') times.push(performance.now())
    }
  }
  const [first, last] = [times[0], times.at(-1)]
  if (first === undefined || last === undefined) throw new Error(`${url} wrote nothing`)
  // A server that does not count sends an event for each token.
  const tokens = counts ?? times.length
  return { firstTokenMs: first - startMs, tokenMs: (last - first) / (tokens - 1), tokens }
}

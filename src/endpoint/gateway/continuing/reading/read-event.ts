import type { StreamEvent } from '../../../../protocol/text-server/event-reader.ts'
import { parseTextEvent, type TextChunk } from '../../../../protocol/text-server/text-chunk.ts'

/** An event's JSON with what it says. */
export interface ReadEvent {
  readonly json: WireChunk
  readonly chunk: TextChunk
}

/** A piece of OpenAI's streams. */
export interface WireChunk extends Readonly<Record<string, unknown>> {
  readonly choices: readonly WireChoice[]
}

export type WireChoice = Readonly<Record<string, unknown>>

/**
 * Reads an event of a stream of OpenAI's API.
 *
 * @returns undefined for an event of another kind, which says nothing of the text
 * @throws {CloudError} as `parseTextEvent`
 */
export function readEvent(event: StreamEvent): ReadEvent | 'done' | undefined {
  const { event: type, data } = event
  if (type !== undefined && type !== 'message' && type !== 'error') return undefined
  const chunk = parseTextEvent(event)
  return chunk === 'done' ? chunk : { chunk, json: JSON.parse(data) as WireChunk }
}

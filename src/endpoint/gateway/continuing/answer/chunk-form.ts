import type { WireChoice, WireChunk } from '../reading/read-event.ts'
import type { TextRequest } from './text-request.ts'

/** Fields that belong to one piece, and not to the stream. */
const own: ReadonlySet<string> = new Set([
  'choices',
  'usage',
  'timings',
  'prompt_token_ids',
  'obfuscation',
  'prompt_progress',
])
/** Fields of a piece's delta that are written anew. */
const rewritten: ReadonlySet<string> = new Set(['content', 'role'])

/** What one event of the client's stream says. */
export interface Piece {
  readonly text?: string | undefined
  /** The upstream's own choice, where more of it than the text is given on. */
  readonly from?: WireChoice | undefined
  readonly finish?: unknown
  readonly ids?: readonly number[] | undefined
  readonly usage?: unknown
}

/** Writes events as the client's stream has them so far: with its id, its model's name, its fields. */
export interface ChunkForm {
  /** The first piece that was seen tells how they look. */
  learn(json: WireChunk): void
  write(piece: Piece): string
  /** The last event of a stream whose usage is told. */
  writeUsage(usage: unknown): string
}

const eventOf = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
export const doneEvent = 'data: [DONE]\n\n'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const without = (object: unknown, names: ReadonlySet<string>): Record<string, unknown> =>
  isObject(object) ? Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name))) : {}

export function createChunkForm({ isChat, wantsIds }: Pick<TextRequest, 'isChat' | 'wantsIds'>): ChunkForm {
  let frame: Readonly<Record<string, unknown>> | undefined
  /** Fields that each piece has, and that say nothing: `logprobs: null`. */
  let nothing: Readonly<Record<string, null>> = {}
  let hasNoUsage = false
  /** A stream names its writer's role once. */
  let hasRole = false

  const nulls = (value: unknown) =>
    Object.fromEntries(
      Object.entries(isObject(value) ? value : {}).flatMap(([name, each]) => (each === null ? [[name, null]] : [])),
    )

  return {
    learn(json) {
      const [choice] = json.choices
      if (isObject(choice?.delta) && choice.delta.role !== undefined) hasRole = true
      if (frame !== undefined) return
      frame = without(json, own)
      const { finish_reason: _, ...others } = nulls(choice)
      nothing = others
      hasNoUsage = json.usage === null
    },
    write({ text = '', from, finish = null, ids, usage }) {
      const delta = from === undefined ? {} : without(from.delta, rewritten)
      const role = hasRole ? {} : { role: 'assistant' }
      const said = isChat
        ? { delta: finish !== null && text === '' ? delta : { ...role, ...delta, content: text } }
        : { text }
      hasRole = true
      const more = { ...nothing, ...(from?.stop_reason === undefined ? {} : { stop_reason: from.stop_reason }) }
      const choice = {
        index: 0,
        ...said,
        ...more,
        finish_reason: finish,
        ...(wantsIds && ids ? { token_ids: ids } : {}),
      }
      const used = usage === undefined ? (hasNoUsage ? { usage: null } : {}) : { usage }
      return eventOf({ ...frame, choices: [choice], ...used })
    },
    writeUsage: (usage) => eventOf({ ...frame, choices: [], usage }),
  }
}

/** An event without ids that only the gateway asked for. */
export function withoutIds(json: WireChunk): string {
  const { prompt_token_ids: _, ...piece } = json
  const choices = json.choices.map(({ token_ids: __, prompt_token_ids: ___, ...choice }) => choice)
  return JSON.stringify({ ...piece, choices })
}

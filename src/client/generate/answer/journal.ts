import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import type { Sampling } from '../../../generation/sampling/sampling.ts'
import type { Background } from '../../background/create-background.ts'
import type { AnswerState } from './answer-state.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const ids = v.array(count)
const number = v.pipe(v.number(), v.finite())

const common = {
  /** What was asked: another request does not go on with it. */
  request: v.string(),
  savedAtMs: number,
  text: v.string(),
  droppedMessages: count,
  sampling: object({
    temperature: number,
    topK: number,
    topP: number,
    minP: number,
    repetitionPenalty: number,
    presencePenalty: number,
    frequencyPenalty: number,
    seed: number,
  }),
}
const entrySchema = object({
  version: v.literal(2),
  ...common,
  /** Ids of the prompt and of the answer: absent where whoever wrote tells none. */
  promptIds: v.optional(ids),
  promptText: v.optional(v.string()),
  ids: v.optional(ids),
  whole: count,
  tokens: count,
  held: v.string(),
})
/** What a page before this version has left, whose answers were written on the device alone. */
const firstEntrySchema = v.pipe(
  object({ version: v.literal(1), ...common, prompt: ids, answer: ids }),
  v.transform(({ prompt, answer, ...others }) => ({
    ...others,
    version: 2 as const,
    promptIds: prompt,
    ids: answer,
    whole: answer.length,
    tokens: answer.length,
    held: '',
  })),
)
const storedSchema = v.union([entrySchema, firstEntrySchema])
type JournalEntry = v.InferOutput<typeof entrySchema>

/** Tokens between two entries: a page that is reloaded writes so many again at most. */
const everyTokens = 32
/** An older answer is not gone on with: who asked has long left. */
const mostAgeMs = 24 * 60 * 60_000

/** An answer that an earlier page has begun. */
export interface KeptAnswer {
  readonly state: AnswerState
  readonly sampling: Sampling
}

/** An answer that is kept on this device while it is written, so that a page that was reloaded goes on with it. */
export interface Journal {
  /** What an earlier page has written of this very request. Never rejects. */
  restore(): Promise<KeptAnswer | undefined>
  /** More was written. Nothing waits for it. */
  note(state: Readonly<AnswerState>, sampling: Sampling): void
  /** The answer has ended: nothing of it is kept. Never rejects. */
  end(): Promise<void>
}

/** @param about the model and all that was asked: only the same request goes on */
export function openJournal(
  background: Pick<Background, 'readRecord' | 'writeRecord'>,
  name: string,
  about: unknown,
  nowMs = Date.now,
): Journal {
  const key = `writing ${name}`
  const request = JSON.stringify(about)
  let savedTokens = -1
  return {
    async restore() {
      const stored = await background.readRecord(key).catch(() => undefined)
      const parsed = v.safeParse(storedSchema, stored)
      if (!parsed.success || parsed.output.request !== request) return undefined
      const { savedAtMs, sampling, promptIds, promptText, ids: known, ...entry }: JournalEntry = parsed.output
      if (nowMs() - savedAtMs > mostAgeMs) return undefined
      savedTokens = entry.tokens
      const { whole, tokens, text, held, droppedMessages } = entry
      const state = { promptIds, promptText, ids: known, whole, tokens, text, held, droppedMessages }
      return { state, sampling }
    },
    note(state, sampling) {
      // After an answer was begun anew, it has fewer tokens than were kept.
      const isSoon = state.tokens >= savedTokens && state.tokens < savedTokens + everyTokens
      if (savedTokens >= 0 && isSoon) return
      savedTokens = state.tokens
      const { promptIds, ids: known, ...others } = state
      const entry: JournalEntry = {
        ...{ version: 2, request, savedAtMs: nowMs(), ...others },
        ...{ promptIds: promptIds && [...promptIds], ids: known && [...known] },
        sampling: { ...sampling },
      }
      // Where nothing can be stored, the answer is written all the same.
      background.writeRecord(key, entry).catch(() => {})
    },
    end: () => background.writeRecord(key, undefined).catch(() => {}),
  }
}

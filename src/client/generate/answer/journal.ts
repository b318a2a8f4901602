import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import type { Sampling } from '../../generation/sampling/sampling.ts'
import type { Background } from '../background/create-background.ts'
import type { AnswerState } from './write-on-edge.ts'

const ids = v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0)))
const number = v.pipe(v.number(), v.finite())
const entrySchema = object({
  version: v.literal(1),
  /** What was asked: another request does not go on with it. */
  request: v.string(),
  savedAtMs: number,
  prompt: ids,
  answer: ids,
  text: v.string(),
  droppedMessages: number,
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
})
export type JournalEntry = v.InferOutput<typeof entrySchema>

/** Tokens between two entries: a page that is reloaded writes so many again at most. */
const everyTokens = 32
/** An older answer is not gone on with: who asked has long left. */
const mostAgeMs = 24 * 60 * 60_000

/** An answer that is kept on this device while it is written, so that a page that was reloaded goes on with it. */
export interface Journal {
  /** What an earlier page has written of this very request. Never rejects. */
  restore(): Promise<JournalEntry | undefined>
  /** More was written. Nothing waits for it. */
  note(state: AnswerState, sampling: Sampling): void
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
      const parsed = v.safeParse(entrySchema, stored)
      if (!parsed.success || parsed.output.request !== request) return undefined
      if (nowMs() - parsed.output.savedAtMs > mostAgeMs) return undefined
      savedTokens = parsed.output.answer.length
      return parsed.output
    },
    note({ prompt, answer, text, droppedMessages }, sampling) {
      if (prompt === undefined || (savedTokens >= 0 && answer.length < savedTokens + everyTokens)) return
      savedTokens = answer.length
      const entry: JournalEntry = {
        version: 1,
        request,
        savedAtMs: nowMs(),
        prompt: [...prompt],
        answer: [...answer],
        text,
        droppedMessages,
        sampling: { ...sampling },
      }
      // Where nothing can be stored, the answer is written all the same.
      background.writeRecord(key, entry).catch(() => {})
    },
    end: () => background.writeRecord(key, undefined).catch(() => {}),
  }
}

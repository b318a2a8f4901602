import type { Writing, WritingPart, WritingResult } from '../types/generate-types.ts'

/** What an answer's work uses to give it out. */
export interface WritingSink {
  add(part: WritingPart): void
  /** Aborts when nobody wants the rest: the caller has left the loop. */
  readonly left: AbortSignal
}

/**
 * Begins an answer, and keeps its parts until they are iterated. Text that nobody has taken yet is one part.
 *
 * @param work writes it; its parts go to the sink
 */
export function openWriting(work: (sink: WritingSink) => Promise<WritingResult>): Writing {
  const leaving = new AbortController()
  let kept: WritingPart[] = []
  let ended = false
  let wake = () => {}

  const done = work({
    left: leaving.signal,
    add(part) {
      const last = kept.at(-1)
      if (part.type === 'text' && last?.type === 'text') {
        kept[kept.length - 1] = { ...part, text: last.text + part.text, tokens: last.tokens + part.tokens }
      } else if (part.type === 'reading' && last?.type === 'reading') {
        kept[kept.length - 1] = part
      } else kept.push(part)
      wake()
    },
  }).finally(() => {
    ended = true
    wake()
  })
  // Who only iterates hears of a failure there.
  done.catch(() => {})

  return {
    done,
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const parts = kept
          kept = []
          yield* parts
          if (kept.length > 0) continue
          if (ended) break
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        await done
      } finally {
        if (!ended) leaving.abort(new DOMException('The rest of the answer is not wanted.', 'AbortError'))
      }
    },
  }
}

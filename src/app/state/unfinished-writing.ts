import type { WritingInput } from './write-answer.ts'

/** An answer that was being written when this tab was reloaded. */
export interface UnfinishedWriting {
  readonly model: string
  readonly input: WritingInput
}

const place = 'hither.writing'

/** Remembers what is being written, for this tab alone; undefined: nothing is. */
export function keepUnfinished(writing: UnfinishedWriting | undefined): void {
  try {
    if (writing === undefined) sessionStorage.removeItem(place)
    else sessionStorage.setItem(place, JSON.stringify(writing))
  } catch {
    // Without storage, a reloaded page begins anew.
  }
}

/** What was being written. It is this page's own record: only its shape is looked at. */
export function findUnfinished(): UnfinishedWriting | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) ?? 'null') as Partial<UnfinishedWriting> | null
    if (typeof kept?.model !== 'string' || typeof kept.input !== 'object' || kept.input === null) return undefined
    return { model: kept.model, input: kept.input }
  } catch {
    return undefined
  }
}

import { createTextStream } from '../text/text-stream.ts'
import type { TextCodec } from './text-codec.ts'

/** Where a text that goes on in its last word is gone on with. */
export interface OpenEnd {
  readonly ids: readonly number[]
  /** The tokens that may come next; absent: all. */
  readonly first?: ReadonlySet<number>
  /** What the next token writes of the text that was there already. */
  readonly written: string
}

/**
 * A text may end within what the model knows as one token ("hel" of "hello"), and a model does not write the rest of a
 * token. So where the last token may be the beginning of others it is taken back, and one that begins with its text is
 * chosen in its place: itself, or a longer one.
 *
 * @param ids of a text, at least one
 */
export function openEnd(ids: readonly number[], codec: Pick<TextCodec, 'decode' | 'longer'>): OpenEnd {
  const last = ids.at(-1)
  const before = ids.slice(0, -1)
  const asIs = { ids, written: '' }
  // Nothing comes before it; or that ends within a character, which the last token completes.
  if (last === undefined || before.length === 0 || codec.decode(before.slice(-8)).endsWith('\ufffd')) return asIs
  const longer = codec.longer(last)
  if (longer.length <= 1) return asIs
  const written = createTextStream(codec.decode, before).push(last)
  return written === '' ? asIs : { ids: before, first: new Set(longer), written }
}

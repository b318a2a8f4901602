/** A pair that is joined. */
export type Merge = readonly [string, string]

/**
 * The merges that a tokenizer of scores amounts to: every way to join two pieces to a third, the best score first. It
 * is what the hub's own conversion of such tokenizers does.
 *
 * Source: `generate_merges` of https://github.com/huggingface/transformers/blob/main/src/transformers/convert_slow_tokenizer.py
 *
 * @param pieces texts with their numbers and scores, in the order of their numbers
 */
export function scoreMerges(
  pieces: readonly { readonly text: string; readonly id: number; readonly score: number }[],
): Merge[] {
  const ids = new Map(pieces.map(({ text, id }) => [text, id]))
  const found: { readonly merge: Merge; readonly score: number }[] = []
  for (const { text, score } of pieces) {
    const characters = [...text]
    const ways: { readonly merge: Merge; readonly order: readonly [number, number] }[] = []
    let left = ''
    for (const character of characters.slice(0, -1)) {
      left += character
      const right = text.slice(left.length)
      const [first, second] = [ids.get(left), ids.get(right)]
      if (first !== undefined && second !== undefined) ways.push({ merge: [left, right], order: [first, second] })
    }
    ways.sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1])
    for (const { merge } of ways) found.push({ merge, score })
  }
  return found.sort((a, b) => b.score - a.score).map(({ merge }) => merge)
}

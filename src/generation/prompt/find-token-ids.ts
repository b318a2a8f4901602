const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const addedIds = (added: unknown): unknown[] => (Array.isArray(added) ? added.map((token) => objectOf(token).id) : [])

/** The numbers of the tokens that a tokenizer has beside those of its model: marks, mostly. */
export const findAddedIds = (tokenizer: unknown): number[] =>
  addedIds(objectOf(tokenizer).added_tokens).filter((id) => typeof id === 'number')

/**
 * The numbers of all tokens that a `tokenizer.json` has, in any order; none where it is no tokenizer.
 *
 * @param tokenizer the file, parsed
 */
export function findTokenIds(tokenizer: unknown): number[] {
  const { model, added_tokens: added } = objectOf(tokenizer)
  const { vocab } = objectOf(model)
  // Unigram models list [text, score], each at the place of its number.
  const own: unknown[] = Array.isArray(vocab) ? [...vocab.keys()] : Object.values(objectOf(vocab))
  const others: unknown[] = addedIds(added)
  return [...own, ...others].map((id) => (typeof id === 'number' ? id : Number.NaN))
}

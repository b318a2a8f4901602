/** How often each token was used, as penalties count it. */
export interface TokenCounts {
  /** All tokens of prompt and answer, once each. */
  readonly used: ReadonlySet<number>
  /** How often the answer has each of its tokens. */
  readonly answered: ReadonlyMap<number, number>
  add(token: number): void
}

/**
 * Counts from a request's whole state, so that whoever goes on with an answer penalizes as its beginning did.
 *
 * @param prompt ids of the prompt
 * @param answer ids of the answer so far
 */
export function countTokens(prompt: Iterable<number>, answer: Iterable<number> = []): TokenCounts {
  const used = new Set(prompt)
  const answered = new Map<number, number>()
  const add = (token: number) => {
    used.add(token)
    answered.set(token, (answered.get(token) ?? 0) + 1)
  }
  for (const token of answer) add(token)
  return { used, answered, add }
}

/**
 * Milliseconds to wait before retry `attempt` (0 is the first retry): exponential with full jitter, so that many
 * clients that failed together do not come back together.
 */
export function backoffMs(
  attempt: number,
  options: { readonly baseMs?: number; readonly maxMs?: number; readonly random?: () => number } = {},
): number {
  const { baseMs = 300, maxMs = 10_000, random = Math.random } = options
  return random() * Math.min(maxMs, baseMs * 2 ** attempt)
}

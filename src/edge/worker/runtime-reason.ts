/** Longer ones hold a trace, or a list that nobody reads. */
const longest = 400

/**
 * The runtime's own words for why it failed, as a sentence: without its codes, and without the files and functions of its
 * source. Undefined where it said nothing, as after a trap.
 */
export function runtimeReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const words = error.message
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^.*?ERROR_MESSAGE: /, '')
    .replace(/^Fatal error: /, '')
    .replace(/^\S+\.(?:cc|h|cpp):\d+ (?:[^()]*::[^()]*\(.*?\)(?: const)? (?:\[.*?\] )?)?/, '')
    .replace(/\.$/, '')
  if (words === '') return undefined
  return words.length > longest ? `${words.slice(0, longest)}…` : words
}

/** What a person can do about it, where that is known. */
function adviceFor(reason: string): string {
  const operator = /is not a registered function\/op|No Op registered|Could not find an implementation/i
  return operator.test(reason)
    ? ' The runtime has no such operator: save the model without it, or in an opset that the runtime knows.'
    : ''
}

/** A sentence about a failure, with the runtime's own words where it said any. */
export function withReason(sentence: string, reason: string | undefined): string {
  return reason === undefined ? `${sentence}.` : `${sentence}: ${reason}.${adviceFor(reason)}`
}

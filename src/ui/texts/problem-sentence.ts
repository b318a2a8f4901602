import { html, type TemplateResult } from 'lit'
import { problemText } from './names.ts'

/** Codes that one sentence alone has, which a translation says as a whole. */
const isWhole: ReadonlySet<string | undefined> = new Set(['text-empty', 'edge-device-lost'])

/**
 * What went wrong, for people. A code stands for several sentences, and a translation of it says what is true of all of
 * them; so the library's own sentence, which knows the names and figures of this very case, stands beside it.
 */
export function problemSentence(problem: {
  readonly code?: string
  readonly message: string
}): TemplateResult | string {
  const text = problemText(problem)
  if (text === problem.message || isWhole.has(problem.code)) return text
  return html`${text} <span lang="en" data-testid="original">${problem.message}</span>`
}

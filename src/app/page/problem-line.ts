import { html, nothing } from 'lit'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'

/** A problem as a person reads it: a sentence, the words of who failed where the sentence lacks them, and the code. */
export function problemLine(problem: {
  readonly message: string
  readonly code?: string | undefined
  readonly reason?: string | undefined
}) {
  const { message, code, reason } = problem
  return html`${problemSentence({ message, ...(code === undefined ? {} : { code }) })}
  ${reason === undefined || message.includes(reason) ? nothing : html`<q>${reason}</q>`}
  ${code ? html`<span class="code">${code}</span>` : nothing}`
}

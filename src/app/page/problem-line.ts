import { html, nothing } from 'lit'
import { problemText } from '../../ui/texts/names.ts'

/** A problem as a person reads it: a sentence, the words of who failed where the sentence lacks them, and the code. */
export function problemLine(problem: {
  readonly message: string
  readonly code?: string | undefined
  readonly reason?: string | undefined
}) {
  const { message, code, reason } = problem
  const text = problemText({ message, ...(code === undefined ? {} : { code }) })
  return html`${text} ${reason === undefined || text.includes(reason) ? nothing : html`<q>${reason}</q>`}
  ${code ? html`<span class="code">${code}</span>` : nothing}`
}

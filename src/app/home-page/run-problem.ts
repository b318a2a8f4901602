import { css, html, nothing } from 'lit'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { t } from '../../ui/texts/text.ts'
import type { TaskRunState } from '../state/task-run.ts'

export const runProblemStyles = css`
  .problem-box {
    padding: 12px 16px;
    color: var(--danger);
    background: var(--danger-soft);
    border-radius: var(--radius-small);
  }
  .problem-box button {
    margin-top: 8px;
  }
  .waiting {
    padding: 12px 16px;
    color: var(--warn);
    background: var(--sunken);
    border-radius: var(--radius-small);
  }
`

/** Why a run failed, and how to wait for the network where that would help. */
export function runProblem(run: {
  readonly state: Pick<TaskRunState, 'problem' | 'canWait' | 'status'>
  cancel(): void
  waitInLine(): void
}) {
  const { problem, canWait, status } = run.state
  if (status === 'waiting') {
    return html`<p class="waiting" data-testid="waiting">
      ${t('card.waiting', 'In line: it runs as soon as this device is online.')}
      <button type="button" class="small" @click=${() => run.cancel()}>${t('card.forget', 'Forget it')}</button>
    </p>`
  }
  if (problem === undefined) return nothing
  const { code, reason, message } = problem
  return html`<div class="problem-box">
    <p data-testid="error" data-code=${code ?? ''}>
      ${problemSentence(problem)} ${reason === undefined || message.includes(reason) ? nothing : html`<q>${reason}</q>`}
      ${code ? html`<span class="code">${code}</span>` : nothing}
    </p>
    ${
      canWait === true
        ? html`<button type="button" data-testid="wait" @click=${() => run.waitInLine()}>
            ${t('card.wait', 'Run it when this device is online')}
          </button>`
        : nothing
    }
  </div>`
}

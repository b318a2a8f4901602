import { css, html, type TemplateResult } from 'lit'
import type { ModelEntry } from '../../index.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { backendName, stateNames } from '../../ui/texts/names.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { str, t } from '../../ui/texts/text.ts'
import type { AppState } from '../state/app-state.ts'

export const modelStatusStyles = css`
  .state {
    display: inline-flex;
    flex: none;
    gap: 6px;
    align-items: center;
  }
  .state::before {
    content: '';
    width: 7px;
    height: 7px;
    background: var(--line-strong);
    border-radius: 50%;
    forced-color-adjust: none;
  }
  .state[data-status='ready']::before,
  .state[data-status='stored']::before {
    background: var(--edge);
  }
  .state[data-status='downloading']::before,
  .state[data-status='loading']::before {
    background: var(--warn);
  }
  .state[data-status='failed']::before {
    background: var(--danger);
  }
`

const shown = (status: string, text: TemplateResult | string): TemplateResult =>
  html`<span class="state small muted" data-testid="model-status" data-status=${status}>${text}</span>`

function stateText({ state, totalBytes }: ModelEntry): string {
  switch (state.status) {
    case 'ready':
      return `${stateNames().ready} · ${backendName(state.backend)}`
    case 'downloading':
      return `${formatBytes(state.loadedBytes)} / ${formatBytes(state.totalBytes)}`
    case 'absent':
      return t('card.absent', str`${formatBytes(totalBytes)}, not here yet`)
    default:
      return stateNames()[state.status]
  }
}

/** Where a card's model stands on this device, with a coloured dot. */
export function modelStatus(model: ModelEntry | undefined, { models, modelsProblem }: AppState): TemplateResult {
  if (model) return shown(model.state.status, stateText(model))
  if (modelsProblem) return shown('failed', problemSentence(modelsProblem))
  if (models) return shown('failed', t('card.no-model', 'Not in the catalogue'))
  return shown('unknown', t('card.listing', 'Looking…'))
}

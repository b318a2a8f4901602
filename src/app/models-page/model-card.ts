import { css, html, nothing } from 'lit'
import type { ModelEntry } from '../../index.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { backendName, stateNames } from '../../ui/texts/names.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { str, t } from '../../ui/texts/text.ts'
import type { Problem } from '../state/problem.ts'

/** What a person can have done to a model. */
export type ModelAction =
  | 'prepare'
  | 'download'
  | 'pause'
  | 'resume'
  | 'pin'
  | 'unpin'
  | 'verify'
  | 'remove'
  | 'accept'
  | 'export'

/**
 * One model and where it stands on this device.
 *
 * @fires act - the person wants something done to it; `detail` is the action
 */
export class ModelCard extends UiElement {
  static override properties = {
    model: { attribute: false },
    problem: { attribute: false },
    note: { attribute: false },
    busy: { type: Boolean },
  }
  static override styles = [
    sharedStyles,
    css`
      .card {
        display: flex;
        flex-direction: column;
        gap: 12px;
      }
      .title {
        display: flex;
        gap: 12px;
        align-items: baseline;
        justify-content: space-between;
      }
      h2 {
        font-size: 16px;
        line-height: 22px;
        color: var(--text);
      }
      .status {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        justify-content: space-between;
      }
      .ready,
      .stored {
        color: var(--edge);
        font-weight: 600;
      }
      .downloading,
      .loading,
      .paused {
        color: var(--warn);
        font-weight: 600;
      }
      .pinned {
        flex: none;
        padding: 1px 8px;
        font-size: 12px;
        color: var(--cloud);
        background: var(--cloud-soft);
        border-radius: 99px;
      }
      .row {
        margin-top: auto;
      }
      .row button {
        min-height: 36px;
        padding: 0 12px;
      }
    `,
  ]
  declare model: ModelEntry
  declare problem: Problem | undefined
  /** What came of the last action. */
  declare note: string | undefined
  declare busy: boolean

  #button(action: ModelAction, label: string) {
    return html`<button
      type="button"
      data-testid="model-${action}"
      ?disabled=${this.busy}
      @click=${() => this.dispatchEvent(new CustomEvent<ModelAction>('act', { detail: action }))}
    >
      ${label}
    </button>`
  }

  #actions() {
    const { state, license, pinned } = this.model
    const { status } = state
    const mustAccept = license.mustAccept && !license.accepted
    const isHere = status === 'stored' || status === 'ready' || status === 'loading'
    return html`<div class="row">
      ${mustAccept ? this.#button('accept', t('model.accept', 'Accept the licence')) : nothing}
      ${status === 'absent' && !mustAccept ? this.#button('download', t('model.download', 'Download')) : nothing}
      ${status === 'failed' ? this.#button('prepare', t('shell.retry', 'Try again')) : nothing}
      ${status === 'downloading' ? this.#button('pause', t('model.pause', 'Pause')) : nothing}
      ${status === 'paused' ? this.#button('resume', t('model.resume', 'Go on')) : nothing}
      ${status === 'stored' ? this.#button('prepare', t('model.prepare', 'Load')) : nothing}
      ${isHere ? this.#button(pinned ? 'unpin' : 'pin', pinned ? t('model.unpin', 'Let go') : t('model.pin', 'Keep')) : nothing}
      ${isHere ? this.#button('verify', t('model.verify', 'Verify')) : nothing}
      ${isHere ? this.#button('export', t('model.export', 'Export')) : nothing}
      ${isHere || status === 'failed' || status === 'paused' ? this.#button('remove', t('model.remove', 'Remove')) : nothing}
    </div>`
  }

  #progress() {
    const { state } = this.model
    if (state.status !== 'downloading' && state.status !== 'paused') return nothing
    const { loadedBytes, totalBytes } = state
    const { bytesPerSecond, remainingMs } =
      state.status === 'downloading' ? state : { bytesPerSecond: undefined, remainingMs: undefined }
    const figures = [
      `${formatBytes(loadedBytes)} / ${formatBytes(totalBytes)}`,
      bytesPerSecond === undefined ? undefined : `${formatBytes(bytesPerSecond)}/s`,
      remainingMs === undefined ? undefined : t('model.left', str`${formatMs(remainingMs)} left`),
    ]
    return html`<progress
        data-testid="progress"
        aria-label=${stateNames().downloading}
        max=${totalBytes}
        .value=${loadedBytes}
      ></progress>
      <p class="small muted">${figures.filter(Boolean).join(' · ')}</p>`
  }

  override render() {
    const { model, problem, note } = this
    const { state, title, description, name, revision, totalBytes, license, pinned, added, variant, precision } = model
    const failure = problem ?? (state.status === 'failed' ? state : undefined)
    const about = [
      formatBytes(totalBytes),
      precision,
      variant,
      t('model.revision', str`revision ${revision}`),
      added ? t('model.added', 'added by you') : undefined,
    ]
    return html`<section class="card" data-testid="model" data-model=${name}>
      <div class="title">
        <h2>${t(`model-title.${name}`, title)}</h2>
        ${pinned ? html`<span class="pinned">${t('model.pinned', 'kept')}</span>` : nothing}
      </div>
      <p class="small muted">${t(`model-about.${name}`, description)}</p>
      <p class="status">
        <span class=${state.status} data-testid="status" data-status=${state.status}>
          ${stateNames()[state.status]}${state.status === 'ready' ? ` · ${backendName(state.backend)}` : ''}
        </span>
        <span class="small muted">${about.filter(Boolean).join(' · ')}</span>
      </p>
      ${this.#progress()}
      <p class="small muted">
        ${t('model.license', 'Licence')}:
        ${license.url === undefined ? license.name : html`<a href=${license.url} rel="noreferrer">${license.name}</a>`}
      </p>
      <div aria-live="polite">
        ${failure ? html`<p class="problem small" data-testid="model-error">${problemSentence(failure)} <span class="code">${failure.code ?? ''}</span></p>` : nothing}
        ${note ? html`<p class="small" data-testid="model-note">${note}</p>` : nothing}
      </div>
      ${this.#actions()}
    </section>`
  }
}

customElements.define('model-card', ModelCard)

declare global {
  interface HTMLElementTagNameMap {
    'model-card': ModelCard
  }
}

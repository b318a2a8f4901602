import { css, html, LitElement, nothing } from 'lit'
import type { ModelEntry } from '../index.ts'
import { formatBytes } from './format-bytes.ts'
import type { Problem } from './session.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/**
 * The model and where it stands on this device.
 *
 * @fires prepare - the person wants it on this device now
 * @fires remove - the person wants it off this device
 */
export class ModelPanel extends LitElement {
  static override properties = { model: { attribute: false }, problem: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      .title {
        margin-top: 8px;
        font-weight: 600;
      }
      .status {
        display: flex;
        gap: 8px;
        justify-content: space-between;
        margin: 8px 0;
      }
      .ready {
        color: var(--edge);
        font-weight: 600;
      }
      progress {
        display: block;
        width: 100%;
        height: 6px;
        overflow: hidden;
        appearance: none;
        background: var(--sunken);
        border: 0;
        border-radius: 3px;
      }
      progress::-webkit-progress-bar {
        background: var(--sunken);
      }
      progress::-webkit-progress-value {
        background: var(--edge);
        border-radius: 3px;
      }
      progress::-moz-progress-bar {
        background: var(--edge);
      }
      dl {
        margin: 12px 0 16px;
      }
      .problem {
        margin: 8px 0;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
    `,
  ]
  declare model: ModelEntry | undefined
  declare problem: Problem | undefined

  #problem({ message, code }: Problem) {
    return html`<p class="problem small" role="alert" data-testid="model-error">
      ${message} ${code === undefined ? nothing : html`<span class="code">${code}</span>`}
    </p>`
  }

  #button(event: 'prepare' | 'remove', label: string) {
    return html`<button type="button" data-testid="model-${event}" @click=${() => this.dispatchEvent(new Event(event))}>
      ${label}
    </button>`
  }

  #actions(status: ModelEntry['state']['status'] | undefined) {
    const failed = this.problem !== undefined || status === 'failed'
    return html`<div class="actions">
      ${failed || status === 'absent' || status === 'stored' ? this.#button('prepare', failed ? texts.model.retry : texts.model.prepare) : nothing}
      ${status === 'stored' || status === 'ready' || status === 'failed' ? this.#button('remove', texts.model.remove) : nothing}
    </div>`
  }

  #details({ title, state, totalBytes, license, revision }: ModelEntry) {
    const downloading = state.status === 'downloading'
    const problem = this.problem ?? (state.status === 'failed' ? state : undefined)
    return html`<p class="title">${title}</p>
      <p class="status">
        <span class=${state.status} data-testid="model-status" data-status=${state.status}>
          ${texts.model.status[state.status]}${state.status === 'ready' ? ` · ${texts.backend[state.backend]}` : ''}
        </span>
        ${downloading ? html`<span class="muted">${texts.model.of(formatBytes(state.loadedBytes), formatBytes(state.totalBytes))}</span>` : nothing}
      </p>
      ${
        downloading
          ? html`<progress
              data-testid="progress"
              aria-label=${texts.model.status.downloading}
              max=${state.totalBytes}
              .value=${state.loadedBytes}
            ></progress>`
          : nothing
      }
      ${problem ? this.#problem(problem) : nothing}
      <dl>
        <dt>${texts.model.size}</dt>
        <dd>${formatBytes(totalBytes)}</dd>
        <dt>${texts.model.license}</dt>
        <dd>${license.url === undefined ? license.name : html`<a href=${license.url} rel="noreferrer">${license.name}</a>`}</dd>
        <dt>${texts.model.revision}</dt>
        <dd>${revision}</dd>
      </dl>`
  }

  override render() {
    const { model, problem } = this
    return html`<section class="card" data-testid="model-panel">
      <h2>${texts.model.title}</h2>
      ${
        model
          ? this.#details(model)
          : problem
            ? this.#problem(problem)
            : html`<p class="title muted" data-testid="model-status" data-status="unknown">${texts.model.listing}</p>`
      }
      ${model || problem ? this.#actions(model?.state.status) : nothing}
    </section>`
  }
}

customElements.define('model-panel', ModelPanel)

declare global {
  interface HTMLElementTagNameMap {
    'model-panel': ModelPanel
  }
}

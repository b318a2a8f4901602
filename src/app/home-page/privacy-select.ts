import { css, html } from 'lit'
import type { Privacy } from '../../index.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { privacyNames } from '../../ui/texts/names.ts'
import { t } from '../../ui/texts/text.ts'

/** From the most free to the most strict at either end. */
const shownModes: readonly Privacy[] = ['any', 'prefer-edge', 'edge-only', 'cloud-only']

/**
 * Where the next runs may happen.
 *
 * @fires privacy - the person chose; `detail` is the mode
 */
export class PrivacySelect extends UiElement {
  static override properties = { privacy: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      label {
        display: flex;
        align-items: center;
        gap: 10px;
      }
      .select {
        position: relative;
      }
      .select::after {
        content: '';
        position: absolute;
        top: 15px;
        right: 16px;
        width: 7px;
        height: 7px;
        border: solid var(--muted);
        border-width: 0 2px 2px 0;
        transform: rotate(45deg);
        pointer-events: none;
      }
      select {
        padding-right: 36px;
        appearance: none;
      }
      @media (max-width: 699px) {
        .label {
          position: absolute;
          width: 1px;
          height: 1px;
          overflow: hidden;
          clip-path: inset(50%);
          white-space: nowrap;
        }
      }
    `,
  ]
  declare privacy: Privacy

  #change(event: Event): void {
    const mode = shownModes.find((each) => each === (event.currentTarget as HTMLSelectElement).value)
    if (mode) this.dispatchEvent(new CustomEvent<Privacy>('privacy', { detail: mode }))
  }

  override render() {
    const names = privacyNames()
    return html`<label>
      <span class="label small muted">${t('privacy.label', 'Where it may run')}</span>
      <span class="select">
        <select data-testid="privacy" @change=${this.#change}>
          ${shownModes.map(
            (mode) => html`<option value=${mode} ?selected=${mode === this.privacy}>${names[mode]}</option>`,
          )}
        </select>
      </span>
    </label>`
  }
}

customElements.define('privacy-select', PrivacySelect)

declare global {
  interface HTMLElementTagNameMap {
    'privacy-select': PrivacySelect
  }
}

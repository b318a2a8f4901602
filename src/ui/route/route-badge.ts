import { css, html, nothing } from 'lit'
import type { RouteRecord } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { cloudIcon, edgeIcon } from '../design/arm-icons.ts'
import { formatMs } from '../design/format-ms.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { placeName } from '../texts/names.ts'
import { t } from '../texts/text.ts'

/**
 * Where a request ran and how long it took. A button that opens *why*.
 *
 * @fires toggle-why - the person wants to see why, or has seen enough
 * @csspart badge - the button
 */
export class RouteBadge extends UiElement {
  static override properties = { route: { attribute: false }, open: { type: Boolean } }
  static override styles = [
    sharedStyles,
    css`
      :host {
        display: inline-block;
      }
      button {
        gap: 8px;
        min-height: 36px;
        padding: 0 12px 0 10px;
        font-weight: 600;
        font-size: 15px;
        white-space: nowrap;
        border-color: transparent;
        border-radius: 99px;
      }
      button.edge,
      button.edge:hover {
        color: var(--edge);
        background: var(--edge-soft);
      }
      button.cloud,
      button.cloud:hover {
        color: var(--cloud);
        background: var(--cloud-soft);
      }
      button:hover {
        border-color: currentColor;
      }
      svg {
        flex: none;
      }
      .ms {
        padding-left: 8px;
        border-left: 1px solid color-mix(in srgb, currentColor 35%, transparent);
      }
      i {
        width: 7px;
        height: 7px;
        margin: -3px 2px 0 0;
        border: solid currentColor;
        border-width: 0 2px 2px 0;
        transform: rotate(45deg);
        transition: transform 120ms;
      }
      [aria-expanded='true'] i {
        margin-top: 3px;
        transform: rotate(225deg);
      }
    `,
  ]
  declare route: RouteRecord | undefined
  declare open: boolean

  override render() {
    const { route } = this
    if (route === undefined) return nothing
    return html`<button
      type="button"
      part="badge"
      class=${route.ran}
      data-testid="badge"
      data-arm=${route.ran}
      aria-expanded=${this.open ? 'true' : 'false'}
      title=${t('why.open', 'Why it ran there')}
      @click=${() => this.dispatchEvent(new Event('toggle-why'))}
    >
      ${route.ran === 'edge' ? edgeIcon : cloudIcon}
      <span data-testid="badge-arm">${placeName(route)}</span>
      <span class="ms" data-testid="badge-ms">${formatMs(route.actualMs)}</span>
      <i aria-hidden="true"></i>
    </button>`
  }
}

define('hither-badge', RouteBadge)

declare global {
  interface HTMLElementTagNameMap {
    'hither-badge': RouteBadge
  }
}

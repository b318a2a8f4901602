import { css, html, LitElement } from 'lit'
import type { RouteRecord } from '../index.ts'
import { formatMs } from './format-ms.ts'
import { cloudIcon, edgeIcon } from './icons.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/** Where a route ran, with its backend, as a person reads it: `Edge · WASM` or `Cloud`. */
export const armName = ({ ran, backend }: Pick<RouteRecord, 'ran' | 'backend'>): string =>
  backend === undefined ? texts.arm[ran] : `${texts.arm[ran]} · ${texts.backend[backend]}`

/** Where a request ran and how long it took. */
export class RouteBadge extends LitElement {
  static override properties = { route: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      :host {
        display: inline-block;
      }
      .badge {
        display: inline-flex;
        align-items: center;
        gap: 8px;
        padding: 6px 14px 6px 10px;
        font-weight: 600;
        white-space: nowrap;
        border-radius: 99px;
      }
      .edge {
        color: var(--edge);
        background: var(--edge-soft);
      }
      .cloud {
        color: var(--cloud);
        background: var(--cloud-soft);
      }
      svg {
        flex: none;
      }
      .ms {
        padding-left: 8px;
        border-left: 1px solid color-mix(in srgb, currentColor 35%, transparent);
      }
    `,
  ]
  declare route: RouteRecord | undefined

  override render() {
    const { route } = this
    if (route === undefined) return ''
    return html`<span class="badge ${route.ran}" data-testid="badge" data-arm=${route.ran}>
      ${route.ran === 'edge' ? edgeIcon : cloudIcon}
      <span data-testid="badge-arm">${armName(route)}</span>
      <span class="ms" data-testid="badge-ms">${formatMs(route.actualMs)}</span>
    </span>`
  }
}

customElements.define('route-badge', RouteBadge)

declare global {
  interface HTMLElementTagNameMap {
    'route-badge': RouteBadge
  }
}

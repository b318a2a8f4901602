import { css, html, LitElement } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { RouteRecord } from '../index.ts'
import { formatMs } from './format-ms.ts'
import { armName } from './route-badge.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/** The last routes, the newest first. */
export class RoutesList extends LitElement {
  static override properties = { routes: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      ol {
        margin: 8px 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: 10px 116px 76px 1fr;
        gap: 10px;
        align-items: baseline;
        padding: 7px 0;
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      .dot {
        width: 8px;
        height: 8px;
        background: var(--colour);
        border-radius: 50%;
      }
      .edge {
        --colour: var(--edge);
      }
      .cloud {
        --colour: var(--cloud);
      }
      .arm {
        color: var(--colour);
        font-weight: 600;
      }
      .ms {
        text-align: right;
      }
      @media (max-width: 640px) {
        li {
          grid-template-columns: 10px 1fr auto;
        }
        .why {
          grid-column: 2 / -1;
        }
      }
    `,
  ]
  declare routes: readonly RouteRecord[]

  override render() {
    return html`<section class="card" data-testid="routes">
      <h2>${texts.routes.title}</h2>
      ${
        this.routes.length === 0
          ? html`<p class="muted small">${texts.routes.none}</p>`
          : html`<ol>
              ${repeat(
                this.routes,
                ({ id }) => id,
                (route) => html`<li class=${route.ran}>
                  <span class="dot"></span>
                  <span class="arm">${armName(route)}</span>
                  <span class="ms">${formatMs(route.actualMs)}</span>
                  <span class="why small muted">${route.why}</span>
                </li>`,
              )}
            </ol>`
      }
    </section>`
  }
}

customElements.define('routes-list', RoutesList)

declare global {
  interface HTMLElementTagNameMap {
    'routes-list': RoutesList
  }
}

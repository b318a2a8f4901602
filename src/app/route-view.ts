import { css, html, LitElement, nothing } from 'lit'
import type { RouteExplanation, RouteRecord } from '../index.ts'
import { formatMs } from './format-ms.ts'
import './prediction-chart.ts'
import './route-badge.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'
import './time-parts.ts'

/** Where a request ran, how long it took and why; before there is one, where the next would run. */
export class RouteView extends LitElement {
  static override properties = { route: { attribute: false }, explanation: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 10px 16px;
        min-height: 36px;
      }
      .why {
        flex: 1 1 220px;
        text-wrap: pretty;
      }
      .edge {
        color: var(--edge);
      }
      .cloud {
        color: var(--cloud);
      }
      section {
        margin-top: 20px;
      }
      prediction-chart {
        margin-top: 10px;
      }
      ul {
        margin: 6px 0 0;
        padding: 0;
        list-style: none;
      }
    `,
  ]
  declare route: RouteRecord | undefined
  declare explanation: RouteExplanation | undefined

  #attempts(route: RouteRecord) {
    const failed = route.attempts.filter(({ error }) => error !== undefined)
    if (failed.length === 0) return nothing
    return html`<section data-testid="attempts">
      <h2>${texts.route.attempts}</h2>
      <ul class="small">
        ${failed.map(
          ({ arm, ms, error }) => html`<li>
            <strong class=${arm}>${texts.arm[arm]}</strong> ${texts.route.failed} ${formatMs(ms)}
            <span class="code muted">${error}</span>
          </li>`,
        )}
      </ul>
    </section>`
  }

  override render() {
    const { route, explanation } = this
    const shown = route ?? explanation
    return html`<div class="head">
        ${
          route
            ? html`<route-badge .route=${route}></route-badge>`
            : explanation &&
              html`<p>${texts.route.next} <strong class=${explanation.arm}>${texts.route.willRun[explanation.arm]}</strong>.</p>`
        }
        ${route && html`<p class="why muted" data-testid="why">${route.why}</p>`}
      </div>
      ${
        shown &&
        html`<section>
          <h2>${texts.route.predicted}</h2>
          <prediction-chart .predicted=${shown.predicted} .ran=${route?.ran} .actualMs=${route?.actualMs}></prediction-chart>
        </section>`
      }
      ${route && html`<section><time-parts .route=${route}></time-parts></section>${this.#attempts(route)}`}`
  }
}

customElements.define('route-view', RouteView)

declare global {
  interface HTMLElementTagNameMap {
    'route-view': RouteView
  }
}

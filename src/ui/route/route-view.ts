import { css, html, nothing } from 'lit'
import type { RouteExplanation, RouteRecord } from '../../index.ts'
import { define } from '../base/define.ts'
import { formatMs } from '../design/format-ms.ts'
import { armName, reasonText } from '../texts/names.ts'
import './route-badge.ts'
import { LaterElement } from '../base/ui-element.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'

/** Where a request ran, how long it took and why; before there is one, where the next would run. */
export class RouteView extends LaterElement {
  static override properties = {
    route: { attribute: false },
    explanation: { attribute: false },
    open: { type: Boolean, reflect: true },
  }
  static override styles = [
    sharedStyles,
    css`
      :host {
        min-height: 36px;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 14px;
        min-height: 36px;
      }
      .why {
        flex: 1 1 200px;
        text-wrap: pretty;
      }
      .edge {
        color: var(--edge);
      }
      .cloud {
        color: var(--cloud);
      }
      section {
        margin-top: 18px;
      }
      hither-prediction {
        margin-top: 10px;
      }
      ul {
        margin: 6px 0 0;
        padding: 0;
        list-style: none;
      }
      .next {
        display: inline-flex;
        min-height: 28px;
        padding: 0 6px;
        margin-left: -6px;
        font-weight: 400;
      }
    `,
  ]
  declare route: RouteRecord | undefined
  declare explanation: RouteExplanation | undefined
  declare open: boolean

  protected override willUpdate(): void {
    // Fetched when someone first asks why.
    if (this.open) void Promise.all([import('./prediction-chart.ts'), import('./time-parts.ts')]).catch(() => {})
  }

  #attempts(route: RouteRecord) {
    const others = route.attempts.filter(({ result, error }) => error !== undefined || result === 'lost')
    if (others.length === 0) return nothing
    return html`<section data-testid="attempts">
      <h2>${t('why.attempts', 'Also tried')}</h2>
      <ul class="small">
        ${others.map(
          ({ arm, ms, error }) => html`<li>
            <strong class=${arm}>${armName(arm)}</strong>
            ${
              error === undefined
                ? t('why.lost', str`was slower, given up after ${formatMs(ms)}`)
                : t('why.failed', str`failed after ${formatMs(ms)}`)
            }
            ${error === undefined ? nothing : html`<span class="code muted">${error}</span>`}
          </li>`,
        )}
      </ul>
    </section>`
  }

  #next({ arm }: RouteExplanation) {
    return html`<button
      type="button"
      class="quiet next small"
      aria-expanded=${this.open ? 'true' : 'false'}
      @click=${this.#toggle}
    >
      <span class="muted"
        >${
          arm === 'edge'
            ? t('why.next.edge', 'The next one would run on this device.')
            : t('why.next.cloud', 'The next one would run in the cloud.')
        }</span
      >
    </button>`
  }

  readonly #toggle = () => {
    this.open = !this.open
  }

  #details(shown: RouteRecord | RouteExplanation) {
    const { route } = this
    return html`<section>
        <h2>${t('why.predicted', 'Predicted')}</h2>
        <hither-prediction
          .predicted=${shown.predicted}
          .known=${shown.known}
          .ran=${route?.ran}
          .actualMs=${route?.actualMs}
          .other=${route?.other}
        ></hither-prediction>
      </section>
      ${route && html`<section><hither-parts .route=${route}></hither-parts></section>${this.#attempts(route)}`}`
  }

  override render() {
    const { route, explanation, open } = this
    const shown = route ?? explanation
    return html`<div class="head">
        ${
          route
            ? html`<hither-badge .route=${route} .open=${open} @toggle-why=${this.#toggle}></hither-badge>
                <p class="why muted small" data-testid="why">${reasonText(route)}</p>`
            : explanation && this.#next(explanation)
        }
      </div>
      ${open && shown ? this.#details(shown) : nothing}`
  }
}

define('hither-route', RouteView)

declare global {
  interface HTMLElementTagNameMap {
    'hither-route': RouteView
  }
}

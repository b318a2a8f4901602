import { css, html, nothing, svg } from 'lit'
import type { Arm, RouteRecord } from '../../index.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { armName } from '../../ui/texts/names.ts'
import { t } from '../../ui/texts/text.ts'

const height = 200
/** Requests that are shown: more would stand too close to tell apart. */
const shownRoutes = 120
const leastMs = 1

/** The last requests in order, each as a point as high as it took long, on a logarithmic scale; behind it its prediction. */
export class RoutesChart extends UiElement {
  static override properties = { routes: { attribute: false }, width: { state: true } }
  static override styles = [
    sharedStyles,
    css`
      svg {
        display: block;
        width: 100%;
        height: 200px;
        margin-top: 8px;
        overflow: visible;
      }
      .edge {
        fill: var(--edge);
        stroke: var(--edge);
        color: var(--edge);
      }
      .cloud {
        fill: var(--cloud);
        stroke: var(--cloud);
        color: var(--cloud);
      }
      .spread {
        stroke-width: 5;
        stroke-linecap: round;
        opacity: 0.25;
      }
      line.grid {
        stroke: var(--line);
      }
      text {
        font-size: 12px;
        fill: var(--muted);
        stroke: none;
      }
      .key {
        display: flex;
        flex-wrap: wrap;
        gap: 0 16px;
        margin-top: 6px;
      }
      i {
        display: inline-block;
        width: 9px;
        height: 9px;
        margin-right: 6px;
        background: currentColor;
        border-radius: 50%;
      }
    `,
  ]
  /** The newest first. */
  declare routes: readonly RouteRecord[]
  declare width: number

  readonly #resizes = new ResizeObserver(() => {
    this.width = this.clientWidth
  })

  override connectedCallback(): void {
    super.connectedCallback()
    this.width = this.clientWidth || 800
    this.#resizes.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resizes.disconnect()
  }

  override render() {
    const { width } = this
    const shown = this.routes.slice(0, shownRoutes).reverse()
    if (shown.length === 0) return nothing
    const times = shown.flatMap(({ actualMs, ran, predicted }) => [actualMs, predicted[ran]?.p90Ms ?? actualMs])
    const most = Math.max(10, ...times.filter(Number.isFinite))
    const least = Math.max(leastMs, Math.min(...times.filter((ms) => ms > 0)) * 0.7)
    const span = Math.log(most * 1.2) - Math.log(least)
    const yOf = (ms: number) => height - ((Math.log(Math.max(ms, least)) - Math.log(least)) / span) * (height - 12) - 6
    const xOf = (index: number) => 64 + ((index + 0.5) / shown.length) * (width - 72)
    const decades = [1, 10, 100, 1000, 10_000, 100_000]
    const within = (values: readonly number[]) => values.filter((ms) => ms >= least && ms <= most * 1.2)
    // Where the times lie close together, powers of ten alone would leave one line or none.
    const lines = within(decades).length > 2 ? within(decades) : within(decades.flatMap((ms) => [ms, 2 * ms, 5 * ms]))
    const label = t('routes.chart', 'How long each of the last requests took, and what was predicted')
    const arms: readonly Arm[] = ['edge', 'cloud']
    return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${label} data-testid="routes-chart">
        ${lines.map(
          (ms) => svg`<line class="grid" x1="64" x2=${width} y1=${yOf(ms)} y2=${yOf(ms)} />
            <text x="56" y=${yOf(ms) + 4} text-anchor="end">${formatMs(ms)}</text>`,
        )}
        ${shown.map(({ ran, actualMs, predicted }, index) => {
          const prediction = predicted[ran]
          const x = xOf(index)
          return svg`<g class=${ran}>
            ${prediction ? svg`<line class="spread" x1=${x} x2=${x} y1=${yOf(prediction.meanMs)} y2=${yOf(prediction.p90Ms)} />` : nothing}
            <circle cx=${x} cy=${yOf(actualMs)} r="4" stroke="none" />
          </g>`
        })}
      </svg>
      <p class="key small">
        ${arms.map((arm) => html`<span class=${arm}><i class="drawn"></i>${armName(arm)}</span>`)}
        <span class="muted">${t('routes.key', 'point: took; bar: predicted, mean to 9 in 10')}</span>
      </p>`
  }
}

customElements.define('routes-chart', RoutesChart)

declare global {
  interface HTMLElementTagNameMap {
    'routes-chart': RoutesChart
  }
}

import { css, html, type PropertyValues, unsafeCSS } from 'lit'
import UPlot from 'uplot'
import uplotStyles from 'uplot/dist/uPlot.min.css?inline'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatBitRate } from '../../ui/design/format-rate.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { t } from '../../ui/texts/text.ts'
import { figuresLanguage } from '../language/language.ts'
import type { LinkMoment } from '../state/link-history.ts'

/** All moments, and around few of them a minute; uPlot would give a single one a day. */
const atLeastAMinute = ({ data: [seconds] }: UPlot): [number, number] => {
  const [first = 0, last = 0] = [seconds[0], seconds.at(-1)]
  const missing = Math.max(0, 60 - (last - first))
  return [first - missing / 2, last + missing / 2]
}

/** The link over time: round trip on the left, rates on the right, both on logarithmic scales. */
export class LinkChart extends UiElement {
  static override properties = { moments: { attribute: false }, count: { type: Number } }
  static override styles = [
    unsafeCSS(uplotStyles),
    sharedStyles,
    css`
      .plot {
        height: 240px;
      }
      .key {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        margin-top: 8px;
      }
      i {
        display: inline-block;
        width: 14px;
        height: 3px;
        margin-right: 6px;
        vertical-align: middle;
        background: currentColor;
        border-radius: 2px;
      }
      .trip i {
        color: var(--text);
      }
      .up i {
        color: var(--cloud);
      }
      .down i {
        color: var(--edge);
      }
    `,
  ]
  declare moments: readonly LinkMoment[]
  /** How many there are: what is shown changes with it. */
  declare count: number

  #plot: UPlot | undefined
  readonly #resizes = new ResizeObserver(() => this.#fit())
  readonly #themes = [matchMedia('(prefers-color-scheme: dark)'), matchMedia('(forced-colors: active)')]
  readonly #recolour = () => this.#draw()

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resizes.observe(this)
    for (const theme of this.#themes) theme.addEventListener('change', this.#recolour)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resizes.disconnect()
    for (const theme of this.#themes) theme.removeEventListener('change', this.#recolour)
    this.#plot?.destroy()
    this.#plot = undefined
  }

  protected override updated(_: PropertyValues): void {
    if (this.#plot) this.#plot.setData(this.#data())
    else this.#draw()
  }

  #data(): UPlot.AlignedData {
    const { moments } = this
    const value = (figure: number | undefined) => figure ?? null
    return [
      moments.map(({ atMs }) => atMs / 1000),
      moments.map(({ roundTripMs }) => value(roundTripMs)),
      moments.map(({ uplinkBitsPerSecond }) => value(uplinkBitsPerSecond)),
      moments.map(({ downlinkBitsPerSecond }) => value(downlinkBitsPerSecond)),
    ]
  }

  #fit(): void {
    const width = this.clientWidth
    if (width > 0) this.#plot?.setSize({ width, height: 240 })
  }

  #draw(): void {
    const target = this.renderRoot.querySelector<HTMLElement>('.plot')
    if (target === null || this.clientWidth === 0) return
    this.#plot?.destroy()
    const colours = getComputedStyle(this)
    const colour = (name: string) => colours.getPropertyValue(name).trim()
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    const time = new Intl.DateTimeFormat(figuresLanguage(), { hour: '2-digit', minute: '2-digit', second: '2-digit' })
    const line = (scale: string, stroke: string) => ({
      scale,
      stroke: colour(stroke),
      width: 2,
      points: { size: 5 },
      spanGaps: true,
    })
    this.#plot = new UPlot(
      {
        width: this.clientWidth,
        height: 240,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { range: atLeastAMinute }, ms: { distr: 3 }, rate: { distr: 3 } },
        axes: [
          {
            ...axis,
            values: (_, seconds) => seconds.map((second) => time.format(second * 1000)),
            space: 90,
            size: 34,
            gap: 10,
          },
          {
            ...axis,
            scale: 'ms',
            size: 64,
            values: (_, values) => values.map((ms) => (ms === null ? '' : formatMs(ms))),
          },
          {
            ...axis,
            scale: 'rate',
            side: 1,
            size: 84,
            grid: { show: false },
            values: (_, values) => values.map((rate) => (rate === null ? '' : formatBitRate(rate))),
          },
        ],
        series: [{}, line('ms', '--text'), line('rate', '--cloud'), line('rate', '--edge')],
      },
      this.#data(),
      target,
    )
  }

  override render() {
    return html`<div
        class="plot"
        role="img"
        aria-label=${t('link.chart', 'Round trip and speeds of the link over time')}
        data-testid="link-chart"
      ></div>
      <p class="key small muted">
        <span class="trip"><i class="drawn"></i>${t('link.round-trip', 'Round trip')}</span>
        <span class="up"><i class="drawn"></i>${t('link.up', 'Up')}</span>
        <span class="down"><i class="drawn"></i>${t('link.down', 'Down')}</span>
      </p>`
  }
}

customElements.define('link-chart', LinkChart)

declare global {
  interface HTMLElementTagNameMap {
    'link-chart': LinkChart
  }
}

import { css, html, LitElement, type PropertyValues, unsafeCSS } from 'lit'
import uPlot from 'uplot'
import uplotCss from 'uplot/dist/uPlot.min.css?inline'
import { noFigure } from '../../ui/design/no-figure.ts'
import { cardStyles } from './card-styles.ts'
import { logTicks } from './log-ticks.ts'

/** One line, or one part of the bars. */
export interface ChartSeries {
  readonly name: string
  readonly values: readonly (number | null)[]
  /** Custom property of the page. */
  readonly colour: string
  readonly dashed?: boolean
}

export interface ChartData {
  readonly atMs: readonly number[]
  readonly series: readonly ChartSeries[]
  /** Bars stand on each other; lines are on a logarithmic scale. */
  readonly kind: 'bars' | 'lines'
  readonly format: (value: number) => string
}

const heightPx = 240

const paths = uPlot.paths.bars?.({ size: [0.72, 40] })
const bars = { ...(paths === undefined ? {} : { paths }), points: { show: false } }

/** A chart over time. What it draws stands in the tables, too: to those who can't see it, it is a picture with a name. */
export class TimeChart extends LitElement {
  static override properties = {
    data: { attribute: false },
    label: { attribute: false },
    language: { attribute: false },
    timeName: { attribute: false },
  }
  static override styles = [
    unsafeCSS(uplotCss),
    cardStyles,
    css`
      .plot {
        min-height: 290px;
        margin-top: 8px;
      }
      .uplot,
      .u-legend {
        font-family: var(--font);
      }
      .u-legend {
        font-size: 13px;
        text-align: left;
        margin: 4px 0 0;
      }
      .u-legend th {
        border: 0;
        color: var(--muted);
      }
      .u-legend td,
      .u-legend th {
        padding: 2px 4px;
        border: 0;
      }
      .u-inline tr {
        margin-right: 10px;
      }
      .u-legend .u-marker {
        border-radius: 3px;
        forced-color-adjust: none;
      }
      .u-cursor-x,
      .u-cursor-y {
        border-color: var(--muted);
      }
    `,
  ]
  declare data: ChartData | undefined
  declare label: string
  declare language: string
  declare timeName: string
  #plot: uPlot | undefined
  #resize: ResizeObserver | undefined
  readonly #themes = [matchMedia('(prefers-color-scheme: dark)'), matchMedia('(forced-colors: active)')]
  readonly #redraw = () => this.#draw()

  constructor() {
    super()
    this.label = ''
    this.language = 'en'
    this.timeName = ''
  }

  override connectedCallback() {
    super.connectedCallback()
    for (const theme of this.#themes) theme.addEventListener('change', this.#redraw)
    this.#resize = new ResizeObserver(() => {
      const width = this.clientWidth
      if (width > 0 && this.#plot !== undefined && this.#plot.width !== width)
        this.#plot.setSize({ width, height: heightPx })
    })
    this.#resize.observe(this)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    for (const theme of this.#themes) theme.removeEventListener('change', this.#redraw)
    this.#resize?.disconnect()
    this.#plot?.destroy()
    this.#plot = undefined
  }

  override render() {
    return html`<div class="plot" role="img" aria-label=${this.label}></div>`
  }

  override updated(_: PropertyValues) {
    this.#draw()
  }

  #draw() {
    const place = this.renderRoot.querySelector<HTMLElement>('.plot')
    if (place === null || this.data === undefined || this.clientWidth === 0) return
    this.#plot?.destroy()
    this.#plot = new uPlot(this.#options(this.data), toColumns(this.data), place)
  }

  #options({ series, kind, format, atMs }: ChartData): uPlot.Options {
    const style = getComputedStyle(this)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const [first = 0, last = 0] = [atMs[0], atMs.at(-1)]
    const long = last - first > 3 * 86_400_000
    const time = new Intl.DateTimeFormat(
      this.language,
      long ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit', hour12: false },
    )
    const full = new Intl.DateTimeFormat(this.language, { dateStyle: 'medium', timeStyle: 'short', hour12: false })
    const axis = {
      stroke: colour('--muted'),
      font: `12px ${style.fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    const shown = kind === 'bars' ? series.toReversed() : series
    return {
      width: this.clientWidth,
      height: heightPx,
      ms: 1,
      cursor: { y: false, points: { show: kind === 'lines' } },
      legend: { live: true, markers: { dash: (_, index) => (shown[index - 1]?.dashed ? 'dashed' : 'solid') } },
      scales: {
        x: { time: true },
        y:
          kind === 'bars'
            ? { range: (_, __, max) => [0, Math.max(1, max * 1.05)] }
            : { distr: 3, range: (_, min, max) => [Math.max(0.05, min / 1.4), Math.max(1, max * 1.4)] },
      },
      axes: [
        { ...axis, space: 64, values: (_, ticks) => ticks.map((tick) => time.format(tick)) },
        {
          ...axis,
          size: 62,
          ...(kind === 'lines' ? logSplits : { incrs: wholeSteps }),
          values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))),
        },
      ],
      series: [
        { label: this.timeName, value: (_, value) => (value === null ? '' : full.format(value)) },
        ...shown.map(({ name, values, colour: property, dashed = false }): uPlot.Series => {
          const look =
            kind === 'bars' ? { width: 0, fill: colour(property), ...bars } : { width: 2, points: { size: 5 } }
          return {
            label: name,
            stroke: colour(property),
            // What is drawn of a bar is its sum with those below: what is told of it is its own.
            value: (_, __, ___, index) => {
              const value = index === null ? null : (values[index] ?? null)
              return value === null ? noFigure : format(value)
            },
            ...look,
            ...(dashed ? { dash: [6, 5] } : {}),
          }
        }),
      ],
    }
  }
}

/** Between the lines of what is counted: there is no half of a request. */
const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat()
const logSplits: Pick<uPlot.Axis, 'splits'> = { splits: (_, __, min, max) => logTicks(min, max) }

/** Bars are drawn from the highest sum down, each over the one before. */
function toColumns({ atMs, series, kind }: ChartData): uPlot.AlignedData {
  if (kind === 'lines') return [[...atMs], ...series.map(({ values }) => [...values])] as uPlot.AlignedData
  const sums = series.map((_, index) =>
    atMs.map((__, at) => series.slice(0, index + 1).reduce((sum, { values }) => sum + (values[at] ?? 0), 0)),
  )
  return [[...atMs], ...sums.toReversed()] as uPlot.AlignedData
}

customElements.define('time-chart', TimeChart)

declare global {
  interface HTMLElementTagNameMap {
    'time-chart': TimeChart
  }
}

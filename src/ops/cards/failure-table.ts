import { css, html, LitElement, svg } from 'lit'
import type { OpsOverview } from '../../contracts/ops.ts'
import { formatCount } from '../../ui/design/format-count.ts'
import { noFigure } from '../../ui/design/no-figure.ts'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

type Failure = OpsOverview['failures'][number]

const width = 96
const height = 22

/** Failures by code, each with what it was before and how it went. */
export class FailureTable extends LitElement {
  static override properties = {
    failures: { attribute: false },
    texts: { attribute: false },
    language: { attribute: false },
  }
  static override styles = [
    cardStyles,
    css`
      svg {
        display: block;
        margin-left: auto;
        color: var(--danger);
      }
      td .code {
        white-space: nowrap;
      }
    `,
  ]
  declare failures: readonly Failure[]
  declare texts: Texts
  declare language: string

  constructor() {
    super()
    this.failures = []
    this.texts = english
    this.language = 'en'
  }

  #trend({ count, before }: Failure) {
    const { failures } = this.texts
    if (before === 0) return count === 0 ? noFigure : html`<span class="mark bad">${failures.fresh}</span>`
    const change = count / before - 1
    const text = new Intl.NumberFormat(this.language, {
      style: 'percent',
      maximumFractionDigits: 0,
      signDisplay: 'exceptZero',
    }).format(change)
    return html`<span class="mark ${change > 0.25 ? 'bad' : ''}">${text}</span>`
  }

  #line({ series }: Failure) {
    const most = Math.max(1, ...series)
    const step = width / Math.max(1, series.length - 1)
    const points = series
      .map((count, index) => `${index * step},${height - 2 - (count / most) * (height - 4)}`)
      .join(' ')
    return html`<svg width=${width} height=${height} viewBox="0 0 ${width} ${height}" aria-hidden="true">
      ${svg`<polyline points=${points} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />`}
    </svg>`
  }

  override render() {
    const { failures, arm } = this.texts
    return html`<section class="card" aria-labelledby="title">
      <h2 id="title">${failures.title}</h2>
      <p class="small muted">${this.failures.length === 0 ? failures.none : failures.about}</p>
      <div class="scroll" ?hidden=${this.failures.length === 0}>
        <table data-testid="failures">
          <thead>
            <tr>
              <th scope="col">${failures.code}</th>
              <th scope="col">${failures.count}</th>
              <th scope="col" colspan="2">${failures.trend}</th>
              <th scope="col">${failures.before}</th>
              <th scope="col">${failures.arm}</th>
            </tr>
          </thead>
          <tbody>
            ${this.failures.map(
              (failure) => html`<tr data-code=${failure.code}>
                <td><span class="code">${failure.code}</span></td>
                <td data-name=${failures.count}>${formatCount(failure.count, this.language)}</td>
                <td data-name=${failures.trend}>${this.#trend(failure)}</td>
                <td>${this.#line(failure)}</td>
                <td data-name=${failures.before}>${formatCount(failure.before, this.language)}</td>
                <td data-name=${failures.arm}>${arm[failure.arm] ?? noFigure}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
  }
}

customElements.define('failure-table', FailureTable)

declare global {
  interface HTMLElementTagNameMap {
    'failure-table': FailureTable
  }
}

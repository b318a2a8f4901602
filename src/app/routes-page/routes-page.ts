import { css, html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { RouteRecord } from '../../index.ts'
import { saveFile } from '../../ui/base/save-file.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatPercent } from '../../ui/design/format-percent.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { placeName, reasonText } from '../../ui/texts/names.ts'
import { str, t } from '../../ui/texts/text.ts'
import { figuresLanguage } from '../language/language.ts'
import { AppPage } from '../page/app-page.ts'
import { pageStyles } from '../page/page-styles.ts'
import './routes-chart.ts'
import { type Comparison, measuredMs, summarizeRoutes } from './summarize-routes.ts'

/** Rows of the table; the export has all. */
const shownRows = 100

/** The last requests: where each ran, how long it took and why, and what routing saved. */
export class RoutesPage extends AppPage {
  static override styles = [
    sharedStyles,
    pageStyles,
    css`
      .figures {
        display: grid;
        gap: 16px;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        margin-bottom: 16px;
      }
      .figures .card {
        padding: 16px;
      }
      .figures strong {
        display: block;
        margin-top: 2px;
        font-size: 24px;
        font-weight: 600;
        line-height: 32px;
        letter-spacing: -0.02em;
        white-space: nowrap;
      }
      .scroll {
        margin: 0 -20px -8px;
        padding: 0 20px;
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
      }
      th {
        vertical-align: bottom;
        word-break: keep-all;
        font-size: 13px;
        font-weight: 500;
        color: var(--muted);
        text-align: left;
      }
      td {
        vertical-align: baseline;
      }
      th,
      td {
        padding: 8px 12px 8px 0;
        border-bottom: 1px solid var(--line);
      }
      .number {
        text-align: right;
      }
      td.number {
        white-space: nowrap;
      }
      td.number div {
        white-space: normal;
      }
      .at {
        white-space: nowrap;
      }
      .edge,
      .cloud {
        font-weight: 600;
        white-space: nowrap;
      }
      .edge {
        color: var(--edge);
      }
      .cloud {
        color: var(--cloud);
      }
      .why {
        min-width: 160px;
      }
      section + section {
        margin-top: 16px;
      }
      @media (min-width: 1000px) {
        .figures {
          grid-template-columns: repeat(4, minmax(0, 1fr));
        }
      }
    `,
  ]

  readonly #export = async () => {
    const client = await this.app.client()
    saveFile('routes.jsonl', new Blob([client.routes.toJsonLines()], { type: 'application/jsonl' }))
  }

  #figure(label: string, value: string, note: string, id: string) {
    return html`<div class="card" data-testid="figure-${id}">
      <span class="small muted">${label}</span>
      <strong>${value}</strong>
      <span class="small muted">${note}</span>
    </div>`
  }

  #saved(saved: Comparison | undefined, label: string, id: 'cloud' | 'edge') {
    if (saved === undefined) return this.#figure(label, '–', t('routes.unknown', 'nothing to compare with yet'), id)
    const { count, savedMs, bytes, predicted } = saved
    const signed = (ms: number) => `${ms < 0 ? '−' : ''}${formatMs(Math.abs(ms))}`
    const all = count + predicted.count
    const notes = [
      id === 'cloud'
        ? t('routes.not-sent', str`and ${formatBytes(bytes)} not sent`)
        : t('routes.sent', str`for ${formatBytes(bytes)} sent`),
      t('routes.measured-count', str`measured for ${count} of ${all} requests`),
      ...(predicted.count === 0
        ? []
        : [t('routes.predicted-only', str`predicted for the other ${predicted.count}: ${signed(predicted.savedMs)}`)]),
    ]
    return this.#figure(label, count === 0 ? '–' : signed(savedMs), notes.join('; '), id)
  }

  /** Of a text, what took that long is its first token; the rest of it came after. */
  #writing({ writing }: RouteRecord) {
    if (writing === undefined) return nothing
    const { tokens, totalMs } = writing
    const all = t('routes.tokens', str`to the first of ${tokens} tokens in ${formatMs(totalMs)}`)
    return html`<div class="small muted" data-testid="route-writing">${all}</div>`
  }

  #table(routes: readonly RouteRecord[]) {
    const time = new Intl.DateTimeFormat(figuresLanguage(), { timeStyle: 'medium' })
    const predicted = (route: RouteRecord, arm: 'edge' | 'cloud') => {
      const measured = route.ran === arm ? undefined : measuredMs(route, arm)
      if (measured !== undefined) {
        const isLeast = route.other?.known === 'at-least'
        return html`<span data-testid="measured-${arm}"
          >${
            isLeast
              ? t('routes.measured-least', str`over ${formatMs(measured)}, measured`)
              : t('routes.measured', str`${formatMs(measured)}, measured`)
          }</span
        >`
      }
      const prediction = route.predicted[arm]
      return prediction === undefined ? '–' : formatMs(prediction.meanMs)
    }
    return html`<section class="card">
      <h2>${t('routes.last', 'The last requests')}</h2>
      <div class="scroll" tabindex="0" role="region" aria-label=${t('routes.last', 'The last requests')}>
        <table data-testid="routes">
          <thead>
            <tr>
              <th scope="col">${t('routes.at', 'At')}</th>
              <th scope="col">${t('routes.model', 'Model')}</th>
              <th scope="col">${t('routes.ran', 'Ran')}</th>
              <th scope="col" class="number">${t('routes.took', 'Took')}</th>
              <th scope="col" class="number">${t('routes.edge', 'Edge, predicted')}</th>
              <th scope="col" class="number">${t('routes.cloud', 'Cloud, predicted')}</th>
              <th scope="col" class="why">${t('routes.why', 'Why')}</th>
            </tr>
          </thead>
          <tbody>
            ${repeat(
              routes.slice(0, shownRows),
              ({ id }) => id,
              (route) => html`<tr>
                <td class="small muted at">${time.format(route.startedAtMs)}</td>
                <td>${route.model}</td>
                <td class=${route.ran}>${placeName(route)}</td>
                <td class="number">${formatMs(route.actualMs)}${this.#writing(route)}</td>
                <td class="number muted">${predicted(route, 'edge')}</td>
                <td class="number muted">${predicted(route, 'cloud')}</td>
                <td class="why small muted">${reasonText(route)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
  }

  override render() {
    const { routes } = this.app.state
    const { count, edgeShare, meanMs, againstCloud, againstEdge } = summarizeRoutes(routes)
    return html`<div class="head">
        <div>
          <h1>${t('nav.routes', 'Routes')}</h1>
          <p class="muted">${t('routes.lead', 'Where the requests of this visit ran, and why.')}</p>
        </div>
        <div class="row">
          <button type="button" data-testid="export" ?disabled=${count === 0} @click=${this.#export}>
            ${t('routes.export', 'Export as JSON lines')}
          </button>
          <button type="button" data-testid="clear-routes" ?disabled=${count === 0} @click=${() => this.app.clearRoutes()}>
            ${t('pad.clear', 'Clear')}
          </button>
        </div>
      </div>
      ${
        count === 0
          ? html`<section class="card"><p class="muted" data-testid="no-routes">${t('routes.none', 'None yet: ask for something on the home page.')}</p></section>`
          : html`<div class="figures">
                ${this.#figure(t('routes.share', 'Answered at the edge'), formatPercent(edgeShare), t('routes.count', str`of ${count} requests`), 'share')}
                ${this.#figure(t('routes.mean', 'Mean time'), formatMs(meanMs), t('routes.mean-note', 'from the request to its answer'), 'mean')}
                ${this.#saved(againstCloud, t('routes.against-cloud', 'Saved against always cloud'), 'cloud')}
                ${this.#saved(againstEdge, t('routes.against-edge', 'Saved against always edge'), 'edge')}
              </div>
              <section class="card">
                <h2>${t('routes.times', 'Times')}</h2>
                <routes-chart .routes=${routes}></routes-chart>
              </section>
              ${this.#table(routes)}`
      }`
  }
}

customElements.define('routes-page', RoutesPage)

declare global {
  interface HTMLElementTagNameMap {
    'routes-page': RoutesPage
  }
}

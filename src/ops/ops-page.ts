import { html, LitElement } from 'lit'
import type { OpsOverview } from '../contracts/ops.ts'
import { saveFile } from '../ui/base/save-file.ts'
import { formatCount, formatShare } from '../ui/design/format-count.ts'
import { formatMs } from '../ui/design/format-ms.ts'
import { cardStyles } from './cards/card-styles.ts'
import { type OpsProblem, readCsv, readOverview } from './data/read-overview.ts'
import { opsPageStyles } from './ops-page-styles.ts'
import { english, type Texts } from './texts/texts-en.ts'
import { chinese } from './texts/texts-zh.ts'
import './cards/failure-table.ts'
import './cards/fleet-card.ts'
import './cards/group-table.ts'
import './cards/text-table.ts'
import './cards/revision-table.ts'
import './cards/time-chart.ts'
import './cards/token-form.ts'

const needsToken: ReadonlySet<OpsProblem['kind']> = new Set(['unauthorized', 'forbidden'])

/** The operator's page: what devices reported, and what follows from it. */
export class OpsPage extends LitElement {
  static override properties = {
    overview: { state: true },
    problem: { state: true },
    busy: { state: true },
    hours: { state: true },
    model: { state: true },
    token: { state: true },
    language: { state: true },
  }
  static override styles = [cardStyles, opsPageStyles]
  declare overview: OpsOverview | undefined
  declare problem: OpsProblem | undefined
  declare busy: boolean
  declare hours: string
  declare model: string | undefined
  declare token: string | undefined
  declare language: 'en' | 'zh'
  #asking = new AbortController()

  constructor() {
    super()
    this.busy = false
    this.hours = '24'
    this.language = navigator.language.startsWith('zh') ? 'zh' : 'en'
  }

  get #texts(): Texts {
    return this.language === 'zh' ? chinese : english
  }

  get #query() {
    return { hours: this.hours, model: this.model, token: this.token }
  }

  override connectedCallback() {
    super.connectedCallback()
    document.documentElement.lang = this.language
    void this.#read()
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    this.#asking.abort()
  }

  async #read() {
    this.#asking.abort()
    const asking = new AbortController()
    this.#asking = asking
    this.busy = true
    const answer = await readOverview(this.#query, asking.signal)
    if (asking.signal.aborted) return
    this.busy = false
    this.problem = 'problem' in answer ? answer.problem : undefined
    if ('value' in answer) this.overview = answer.value
    else if (needsToken.has(answer.problem.kind)) this.overview = undefined
  }

  async #download() {
    const answer = await readCsv(this.#query, this.#asking.signal)
    if ('problem' in answer) {
      this.problem = answer.problem
      return
    }
    saveFile('hither.csv', answer.value)
  }

  #say(problem: OpsProblem): string {
    const { problem: sentences } = this.#texts
    return problem.kind === 'failed' ? sentences.failed(problem.status) : sentences[problem.kind]
  }

  #header(texts: Texts) {
    const choose = (change: (value: string) => void) => (event: Event) => {
      change((event.target as HTMLSelectElement).value)
      void this.#read()
    }
    return html`<header>
      <h1>Hither <span>${texts.title}</span></h1>
      <div class="tools">
        <select
          aria-label=${texts.period.label}
          data-testid="period"
          ?hidden=${this.overview === undefined}
          @change=${choose((value) => {
            this.hours = value
          })}
        >
          ${Object.entries(texts.period.options).map(
            ([hours, name]) => html`<option value=${hours} ?selected=${hours === this.hours}>${name}</option>`,
          )}
        </select>
        <select
          aria-label=${texts.model.label}
          data-testid="model"
          ?hidden=${this.overview === undefined}
          @change=${choose((value) => {
            this.model = value === '' ? undefined : value
          })}
        >
          <option value="">${texts.model.all}</option>
          ${this.overview?.models.map((name) => html`<option value=${name} ?selected=${name === this.model}>${name}</option>`)}
        </select>
        <button type="button" data-testid="refresh" ?hidden=${this.overview === undefined} @click=${() => this.#read()}>
          ${texts.refresh}
        </button>
        <button type="button" data-testid="csv" ?hidden=${this.overview === undefined} @click=${() => this.#download()}>
          ${texts.csv}
        </button>
        <button
          type="button"
          lang=${this.language === 'zh' ? 'en' : 'zh'}
          data-testid="language"
          @click=${() => {
            this.language = this.language === 'zh' ? 'en' : 'zh'
            document.documentElement.lang = this.language
          }}
        >
          ${texts.language}
        </button>
      </div>
    </header>`
  }

  #tiles({ totals, before, groups, fleet }: OpsOverview, texts: Texts) {
    const { language } = this
    const asked = (sums: OpsOverview['totals']) => sums.answered + sums.failed
    const count = (value: number) => formatCount(value, language)
    const share = (part: number, whole: number) => formatShare(part, whole, language)
    const p95 = (arm: string) => groups.find(({ by, key }) => by === 'arm' && key === arm)?.p95Ms
    const tiles = [
      ['requests', texts.tiles.requests, count(asked(totals)), texts.tiles.before(count(asked(before))), ''],
      [
        'edge-share',
        texts.tiles.atTheEdge,
        share(totals.edge, totals.answered),
        texts.tiles.before(share(before.edge, before.answered)),
        '',
      ],
      [
        'failed',
        texts.tiles.failed,
        share(totals.failed, asked(totals)),
        texts.tiles.before(share(before.failed, asked(before))),
        '',
      ],
      ['edge-p95', texts.tiles.edgeP95, formatMs(p95('edge')), '', 'edge'],
      ['cloud-p95', texts.tiles.cloudP95, formatMs(p95('cloud')), '', 'cloud'],
      ['devices', texts.tiles.devices, count(fleet.devices), texts.tiles.fresh(count(fleet.newDevices)), ''],
    ] as const
    return html`<div class="tiles">
      ${tiles.map(
        ([name, title, figure, beside, arm]) => html`<section class="card tile ${arm}">
          <span class="small muted">${title}</span>
          <strong data-testid="tile-${name}">${figure}</strong>
          <span class="small muted">${beside}</span>
        </section>`,
      )}
    </div>`
  }

  #charts({ series, totals }: OpsOverview, texts: Texts) {
    const { language } = this
    const count = (value: number) => formatCount(value, language)
    const requests = {
      atMs: series.atMs,
      kind: 'bars' as const,
      format: count,
      series: [
        { name: texts.series.edge, values: series.edge, colour: '--edge' },
        { name: texts.series.cloud, values: series.cloud, colour: '--cloud' },
        { name: texts.series.failed, values: series.failed, colour: '--danger' },
      ],
    }
    const times = {
      atMs: series.atMs,
      kind: 'lines' as const,
      format: formatMs,
      series: [
        { name: texts.times.edgeP50, values: series.edgeP50Ms, colour: '--edge', dashed: true },
        { name: texts.times.edgeP95, values: series.edgeP95Ms, colour: '--edge' },
        { name: texts.times.cloudP50, values: series.cloudP50Ms, colour: '--cloud', dashed: true },
        { name: texts.times.cloudP95, values: series.cloudP95Ms, colour: '--cloud' },
      ],
    }
    return html`<section class="card">
        <h2>${texts.series.title}</h2>
        <time-chart
          .data=${requests}
          .language=${language}
          .timeName=${texts.series.time}
          .label=${texts.series.summary(count(totals.answered), count(totals.failed))}
        ></time-chart>
      </section>
      <section class="card">
        <h2>${texts.times.title}</h2>
        <time-chart
          .data=${times}
          .language=${language}
          .timeName=${texts.series.time}
          .label=${texts.times.summary}
        ></time-chart>
      </section>`
  }

  #body(overview: OpsOverview, texts: Texts) {
    const { language } = this
    const { totals, groups, failures, revisions } = overview
    const isEmpty = totals.answered + totals.failed === 0 && failures.length === 0
    return html`${this.#tiles(overview, texts)}
      <div class="grid">
        ${
          isEmpty
            ? html`<p class="card empty muted wide" data-testid="nothing">${texts.nothing}</p>`
            : html`${this.#charts(overview, texts)}
                <group-table .groups=${groups} .texts=${texts} .language=${language}></group-table>
                <text-table .groups=${overview.texts ?? []} .texts=${texts} .language=${language}></text-table>
                <failure-table .failures=${failures} .texts=${texts} .language=${language}></failure-table>
                <revision-table class="wide" .revisions=${revisions} .texts=${texts} .language=${language}></revision-table>`
        }
        <fleet-card class="wide" .overview=${overview} .texts=${texts} .language=${language}></fleet-card>
      </div>`
  }

  override render() {
    const texts = this.#texts
    const { overview, problem } = this
    const asksToken = problem !== undefined && needsToken.has(problem.kind)
    return html`<main class="page" aria-busy=${this.busy}>
      ${this.#header(texts)}
      ${
        asksToken
          ? html`<token-form
              .texts=${texts}
              .problem=${this.token === undefined ? undefined : this.#say(problem)}
              @token-given=${({ detail }: CustomEvent<string>) => {
                this.token = detail
                void this.#read()
              }}
            ></token-form>`
          : ''
      }
      ${problem !== undefined && !asksToken ? html`<p class="problem" role="alert" data-testid="problem">${this.#say(problem)}</p>` : ''}
      ${overview === undefined ? (this.busy ? html`<p class="muted">${texts.loading}</p>` : '') : this.#body(overview, texts)}
    </main>`
  }
}

customElements.define('ops-page', OpsPage)

declare global {
  interface HTMLElementTagNameMap {
    'ops-page': OpsPage
  }
}

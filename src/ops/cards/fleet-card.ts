import { css, html, LitElement } from 'lit'
import type { OpsOverview } from '../../contracts/ops.ts'
import { formatCount, formatShare } from '../../ui/design/format-count.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatRate } from '../../ui/design/format-rate.ts'
import { adviseWorkers } from '../data/advise-workers.ts'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

const goalsMs = [20, 50, 100, 200, 500, 1_000, 2_000]
const factors = [1, 2, 10]

/** N devices, M workers, and how many workers the plan advises, now and for a larger fleet. */
export class FleetCard extends LitElement {
  static override properties = {
    overview: { attribute: false },
    texts: { attribute: false },
    language: { attribute: false },
    goalMs: { state: true },
  }
  static override styles = [
    cardStyles,
    css`
      dl {
        display: grid;
        grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
        gap: 6px 16px;
        margin: 12px 0 0;
        font-size: 14px;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
        text-align: right;
      }
      .advice {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
        justify-content: space-between;
        margin-top: 18px;
        padding-top: 14px;
        border-top: 1px solid var(--line);
      }
      label {
        display: flex;
        gap: 8px;
        align-items: center;
      }
    `,
  ]
  declare overview: OpsOverview | undefined
  declare texts: Texts
  declare language: string
  declare goalMs: number

  constructor() {
    super()
    this.texts = english
    this.language = 'en'
    this.goalMs = 200
  }

  #advice(load: OpsOverview['load']) {
    const { fleet } = this.texts
    const now = adviseWorkers(load, this.goalMs)
    if ('problem' in now) {
      return html`<p class="small muted">${now.problem === 'no-load' ? fleet.noLoad : fleet.tooSlow}</p>`
    }
    return html`<table data-testid="advice">
      <thead>
        <tr>
          <th scope="col">${fleet.growth}</th>
          <th scope="col">${fleet.advice}</th>
          <th scope="col">${fleet.utilisation}</th>
          <th scope="col">p95</th>
        </tr>
      </thead>
      <tbody>
        ${factors.map((factor) => {
          const advice = adviseWorkers(load, this.goalMs, factor)
          if ('problem' in advice) return ''
          const { workers, utilisation, p95Ms } = advice.plan
          return html`<tr>
            <td>${fleet.times(factor)}</td>
            <td data-name=${fleet.advice}>${fleet.workersFor(formatCount(workers, this.language), workers)}</td>
            <td data-name=${fleet.utilisation}>${formatShare(utilisation, 1, this.language)}</td>
            <td data-name="p95">${formatMs(p95Ms)}</td>
          </tr>`
        })}
      </tbody>
    </table>`
  }

  override render() {
    const { overview, language, texts } = this
    if (overview === undefined) return ''
    const { fleet, workers, load } = overview
    const count = (value: number) => formatCount(value, language)
    const dropped = Object.entries(fleet.dropped).filter(([, value]) => value > 0)
    const names: Readonly<Record<string, string>> = texts.fleet.droppedParts
    return html`<section class="card" aria-labelledby="title">
      <h2 id="title">${texts.fleet.title}</h2>
      <dl>
        <dt>${texts.fleet.devices}</dt>
        <dd data-testid="devices">${count(fleet.devices)}</dd>
        <dt>${texts.fleet.workers}</dt>
        <dd data-testid="workers">
          ${
            workers === null
              ? texts.fleet.unknown
              : html`${count(workers.count)}
                  <span class="muted">(${texts.fleet.busy(count(workers.busy), count(workers.waiting))})</span>`
          }
        </dd>
        <dt>${texts.fleet.peak}</dt>
        <dd>${formatRate(load.peakPerSecond, language)}</dd>
        <dt>${texts.fleet.service}</dt>
        <dd>${formatMs(load.serviceMeanMs)}</dd>
        <dt>${texts.fleet.dropped}</dt>
        <dd>
          ${dropped.length === 0 ? '0' : dropped.map(([name, value]) => `${count(value)} ${names[name] ?? name}`).join(', ')}
        </dd>
      </dl>
      <div class="advice">
        <label>
          <span class="small muted">${texts.fleet.goal}</span>
          <select
            data-testid="goal"
            @change=${({ target }: Event) => {
              this.goalMs = Number((target as HTMLSelectElement).value)
            }}
          >
            ${goalsMs.map((ms) => html`<option value=${ms} ?selected=${ms === this.goalMs}>${formatMs(ms)}</option>`)}
          </select>
        </label>
      </div>
      <div class="scroll">${this.#advice(load)}</div>
    </section>`
  }
}

customElements.define('fleet-card', FleetCard)

declare global {
  interface HTMLElementTagNameMap {
    'fleet-card': FleetCard
  }
}

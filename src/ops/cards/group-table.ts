import { css, html, LitElement } from 'lit'
import { type OpsGrouping, type OpsOverview, opsGroupings } from '../../contracts/ops.ts'
import { formatCount, formatShare } from '../../ui/design/format-count.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

/** Requests by arm, model, backend or browser family, with their percentiles. */
export class GroupTable extends LitElement {
  static override properties = {
    groups: { attribute: false },
    texts: { attribute: false },
    language: { attribute: false },
    by: { state: true },
  }
  static override styles = [
    cardStyles,
    css`
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 12px;
        align-items: center;
        justify-content: space-between;
      }
      .choice {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .choice button {
        min-height: 32px;
        padding: 0 10px;
        font-size: 13px;
      }
    `,
  ]
  declare groups: OpsOverview['groups']
  declare texts: Texts
  declare language: string
  declare by: OpsGrouping

  constructor() {
    super()
    this.groups = []
    this.texts = english
    this.language = 'en'
    this.by = 'arm'
  }

  override render() {
    const { texts, language, by } = this
    const { groups, times, arm } = texts
    return html`<section class="card" aria-labelledby="title">
      <div class="head">
        <h2 id="title">${groups.title}</h2>
        <div class="choice">
          ${opsGroupings.map(
            (each) => html`<button
              type="button"
              aria-pressed=${each === by}
              data-testid="by-${each}"
              @click=${() => {
                this.by = each
              }}
            >
              ${groups.by[each]}
            </button>`,
          )}
        </div>
      </div>
      <div class="scroll">
        <table data-testid="groups">
          <thead>
            <tr>
              <th scope="col">${groups.by[by]}</th>
              <th scope="col">${groups.answered}</th>
              <th scope="col">${groups.share}</th>
              <th scope="col">${groups.failed}</th>
              <th scope="col">p50</th>
              <th scope="col">p95</th>
              <th scope="col">p99</th>
            </tr>
          </thead>
          <tbody>
            ${this.groups
              .filter((group) => group.by === by)
              .map(
                ({ key, answered, edge, failed, p50Ms, p95Ms, p99Ms }) => html`<tr>
                  <td>${by === 'arm' ? (arm[key] ?? key) : key}</td>
                  <td data-name=${groups.answered}>${formatCount(answered, language)}</td>
                  <td data-name=${groups.share}>${formatShare(edge, answered, language)}</td>
                  <td data-name=${groups.failed}>${formatShare(failed, answered + failed, language)}</td>
                  <td data-name="p50">${formatMs(p50Ms)}</td>
                  <td data-name="p95">${formatMs(p95Ms)}</td>
                  <td data-name="p99">${formatMs(p99Ms)}</td>
                </tr>`,
              )}
          </tbody>
        </table>
      </div>
      <p class="hidden-visually">${times.summary}</p>
    </section>`
  }
}

customElements.define('group-table', GroupTable)

declare global {
  interface HTMLElementTagNameMap {
    'group-table': GroupTable
  }
}

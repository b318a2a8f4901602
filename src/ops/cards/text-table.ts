import { html, LitElement, nothing } from 'lit'
import { type OpsOverview, textGroupings } from '../../contracts/ops.ts'
import { formatCount } from '../../ui/design/format-count.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatTokenRate } from '../../ui/design/format-rate.ts'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

/** Texts that were written: first token, tokens a second and moves, by model, arm and browser family. */
export class TextTable extends LitElement {
  static override properties = {
    groups: { attribute: false },
    texts: { attribute: false },
    language: { attribute: false },
  }
  static override styles = [cardStyles]
  declare groups: NonNullable<OpsOverview['texts']>
  declare texts: Texts
  declare language: string

  constructor() {
    super()
    this.groups = []
    this.texts = english
    this.language = 'en'
  }

  override render() {
    const { texts, language } = this
    const { written, groups, arm } = texts
    if (this.groups.length === 0) return nothing
    return html`<section class="card" aria-labelledby="title">
      <h2 id="title">${written.title}</h2>
      <div class="scroll">
        <table data-testid="texts">
          ${textGroupings.map(
            (by) => html`<thead>
                <tr>
                  <th scope="col">${groups.by[by]}</th>
                  <th scope="col">${groups.answered}</th>
                  <th scope="col">${written.firstToken} p50</th>
                  <th scope="col">${written.firstToken} p95</th>
                  <th scope="col">${written.rate}</th>
                  <th scope="col">${written.moves}</th>
                </tr>
              </thead>
              <tbody>
                ${this.groups
                  .filter((group) => group.by === by)
                  .map(
                    (group) => html`<tr>
                      <td>${by === 'arm' ? (arm[group.key] ?? group.key) : group.key}</td>
                      <td data-name=${groups.answered}>${formatCount(group.answered, language)}</td>
                      <td data-name="p50">${formatMs(group.firstTokenP50Ms)}</td>
                      <td data-name="p95">${formatMs(group.firstTokenP95Ms)}</td>
                      <td data-name=${written.rate}>
                        ${group.tokensPerSecond === null ? '–' : formatTokenRate(group.tokensPerSecond)}
                      </td>
                      <td data-name=${written.moves}>${formatCount(group.moves, language)}</td>
                    </tr>`,
                  )}
              </tbody>`,
          )}
        </table>
      </div>
    </section>`
  }
}

customElements.define('text-table', TextTable)

declare global {
  interface HTMLElementTagNameMap {
    'text-table': TextTable
  }
}

import { html, LitElement } from 'lit'
import type { OpsOverview } from '../../contracts/ops.ts'
import { formatCount, formatShare } from '../../ui/design/format-count.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { english, type Texts } from '../texts/texts-en.ts'
import { cardStyles } from './card-styles.ts'

type Revision = OpsOverview['revisions'][number]

/** Each revision of each model, those that are slow or fail first. */
export class RevisionTable extends LitElement {
  static override properties = {
    revisions: { attribute: false },
    texts: { attribute: false },
    language: { attribute: false },
  }
  static override styles = cardStyles
  declare revisions: readonly Revision[]
  declare texts: Texts
  declare language: string

  constructor() {
    super()
    this.revisions = []
    this.texts = english
    this.language = 'en'
  }

  #state({ slow, failing }: Revision) {
    const { revisions } = this.texts
    if (!slow && !failing) return html`<span class="mark">${revisions.fine}</span>`
    return html`${slow ? html`<span class="mark warn">${revisions.slow}</span>` : ''}${
      failing ? html`<span class="mark bad">${revisions.failing}</span>` : ''
    }`
  }

  override render() {
    const { revisions, arm } = this.texts
    return html`<section class="card" aria-labelledby="title">
      <h2 id="title">${revisions.title}</h2>
      <p class="small muted">${this.revisions.length === 0 ? revisions.none : revisions.about}</p>
      <div class="scroll" ?hidden=${this.revisions.length === 0}>
        <table data-testid="revisions">
          <thead>
            <tr>
              <th scope="col">${revisions.revision}</th>
              <th scope="col">${revisions.state}</th>
              <th scope="col">${revisions.arm}</th>
              <th scope="col">${revisions.answered}</th>
              <th scope="col">${revisions.failed}</th>
              <th scope="col">${revisions.p95}</th>
              <th scope="col">${revisions.before}</th>
            </tr>
          </thead>
          <tbody>
            ${this.revisions.map(
              (entry) => html`<tr>
                <td><span>${entry.model}<span class="muted">@${entry.revision}</span></span></td>
                <td data-name=${revisions.state}><span>${this.#state(entry)}</span></td>
                <td data-name=${revisions.arm}>${arm[entry.arm] ?? entry.arm}</td>
                <td data-name=${revisions.answered}>${formatCount(entry.answered, this.language)}</td>
                <td data-name=${revisions.failed}>${formatShare(entry.failed, entry.answered + entry.failed, this.language)}</td>
                <td data-name=${revisions.p95}>${formatMs(entry.p95Ms)}</td>
                <td data-name=${revisions.before}>${formatMs(entry.beforeP95Ms)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`
  }
}

customElements.define('revision-table', RevisionTable)

declare global {
  interface HTMLElementTagNameMap {
    'revision-table': RevisionTable
  }
}

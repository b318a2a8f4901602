import { css, html, nothing, type TemplateResult } from 'lit'
import type { Privacy } from '../../index.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { isTaskId, type TaskKind, type TaskSpec, taskSpecs } from '../../ui/texts/tasks.ts'
import { t } from '../../ui/texts/text.ts'
import { AppPage } from '../page/app-page.ts'
import './digit-card.ts'
import './privacy-select.ts'
import type { TaskCard } from './task-card.ts'

/** What lies further down is fetched when it comes near, in pixels. */
const near = '300px'

const loadRest = async () => (await import('./more-cards.ts')).loadCards()

/** The tasks as cards; `task` names the one that is alone on the page. */
export class HomePage extends AppPage {
  static override properties = { ...AppPage.properties, task: { type: String } }
  static override styles = [
    sharedStyles,
    css`
      .top {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
        justify-content: space-between;
        margin-bottom: 16px;
      }
      h1 {
        margin: 0;
        font-size: clamp(20px, 2.4vw, 26px);
        font-weight: 600;
        line-height: 1.25;
        letter-spacing: -0.02em;
        text-wrap: balance;
      }
      .cards {
        display: grid;
        gap: 16px;
        grid-template-columns: minmax(0, 1fr);
      }
      .solo {
        max-width: 760px;
        margin: 0 auto;
      }
      @media (min-width: 700px) {
        .cards:not(.solo) {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .cards:not(.solo) > :is(digit-card, write-card) {
          grid-column: 1 / -1;
        }
      }
      @media (min-width: 1100px) {
        .cards {
          gap: 20px;
        }
        .cards:not(.solo) {
          grid-template-columns: repeat(6, minmax(0, 1fr));
        }
        .cards:not(.solo) > * {
          grid-column: span 2;
        }
        .cards:not(.solo) > :is(digit-card, write-card) {
          grid-column: span 4;
        }
      }
    `,
  ]
  declare task: string

  readonly #nearing = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return
      this.#nearing.disconnect()
      loadRest().catch(() => {})
    },
    { rootMargin: near },
  )

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#nearing.disconnect()
  }

  protected override updated(): void {
    for (const card of this.renderRoot.querySelectorAll('text-card, picture-card, sound-card, write-card')) {
      if (!customElements.get(card.localName)) this.#nearing.observe(card)
    }
  }

  /** Gives a file to the card that it was given over, else to the first that takes it. */
  async take(file: File, over: readonly EventTarget[] = []): Promise<boolean> {
    await loadRest().catch(() => {})
    const cards = [...this.renderRoot.querySelectorAll<TaskCard>('.cards > *')]
    const under = cards.filter((card) => over.includes(card))
    return [...under, ...cards].some((card) => card.take?.(file))
  }

  /** Shows a problem that is no card's own in the first card. */
  fail(message: string): void {
    this.renderRoot.querySelector<TaskCard>('.cards > *')?.fail(message)
  }

  #card(spec: TaskSpec, solo: boolean): TemplateResult {
    const { app } = this
    const cards: Record<TaskKind, () => TemplateResult> = {
      drawing: () => html`<digit-card .app=${app} .spec=${spec} .solo=${solo}></digit-card>`,
      text: () => html`<text-card .app=${app} .spec=${spec} .solo=${solo}></text-card>`,
      picture: () => html`<picture-card .app=${app} .spec=${spec} .solo=${solo}></picture-card>`,
      writing: () => html`<write-card .app=${app} .spec=${spec} .solo=${solo}></write-card>`,
      sound: () => html`<sound-card .app=${app} .spec=${spec} .solo=${solo}></sound-card>`,
    }
    return cards[spec.kind]()
  }

  override render() {
    const { app, task } = this
    const alone = isTaskId(task) ? task : undefined
    return html`<div class="top">
        ${
          alone
            ? html`<h1><a href="#/">← ${t('home.all', 'All tasks')}</a></h1>`
            : html`<h1>${t('home.title', 'Answers here when here is faster, in the cloud when it is not.')}</h1>`
        }
        <privacy-select
          .privacy=${app.state.preferences.privacy}
          @privacy=${(event: CustomEvent<Privacy>) => app.setPrivacy(event.detail)}
        ></privacy-select>
      </div>
      <div class="cards ${alone ? 'solo' : ''}">
        ${taskSpecs.map((spec) => (alone === undefined || spec.id === alone ? this.#card(spec, spec.id === alone) : nothing))}
      </div>`
  }
}

customElements.define('home-page', HomePage)

declare global {
  interface HTMLElementTagNameMap {
    'home-page': HomePage
  }
}

import { html } from 'lit'
import '../../ui/answers/ranking-view.ts'
import { labelName } from '../../ui/texts/label-names.ts'
import { str, t } from '../../ui/texts/text.ts'
import { samplesStyles } from './samples-styles.ts'
import { TaskCard } from './task-card.ts'
import { textAreaStyles } from './text-area-styles.ts'

/** Pause in typing after which the text is read, in milliseconds. */
const settleMs = 250

/** Sentences to try. They are what the models read, and so are the same in every language of the app. */
const samples = {
  languages: [
    'Wer zuletzt lacht, lacht am besten.',
    'Quand on veut, on peut.',
    '人工智能很有趣。',
    'Rozumiem tylko trochę.',
  ],
  intents: ['What’s the weather tomorrow?', 'Set a timer for ten minutes', 'I lost my card', 'Tell me a joke'],
} as const

/** Reads a text that is typed. */
export class TextCard extends TaskCard<'text'> {
  static override styles = [...TaskCard.styles, samplesStyles, textAreaStyles]

  #settling: ReturnType<typeof setTimeout> | undefined

  take(): boolean {
    return false
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#settling)
  }

  readonly #typed = (event: Event) => {
    const { value } = event.currentTarget as HTMLTextAreaElement
    clearTimeout(this.#settling)
    if (value.trim() === '') {
      this.run.reset()
      return
    }
    this.#settling = setTimeout(() => void this.give({ text: value }), settleMs)
  }

  #pick(text: string): void {
    const field = this.renderRoot.querySelector('textarea')
    if (field) field.value = text
    clearTimeout(this.#settling)
    void this.give({ text })
  }

  protected renderInput() {
    const { id } = this.spec
    const label =
      id === 'languages' ? t('text.language', 'A sentence in any language') : t('text.intent', 'A request, in English')
    return html`<textarea
        class="field"
        rows="2"
        maxlength="5000"
        data-testid="text"
        aria-label=${label}
        placeholder=${label}
        @input=${this.#typed}
      ></textarea>
      <div class="row samples" role="group" aria-label=${t('samples.title', 'Or try one of these')}>
        ${(id === 'languages' ? samples.languages : samples.intents).map(
          (text) =>
            html`<button type="button" data-testid="sample" title=${t('text.try', str`Try “${text}”`)} @click=${() => this.#pick(text)}>${text}</button>`,
        )}
      </div>`
  }

  protected renderAnswer() {
    const { answer, status } = this.run.state
    return html`<hither-ranking
      .answer=${answer}
      .running=${status === 'running'}
      .nameOf=${(label: string) => labelName(this.spec.id, label)}
    ></hither-ranking>`
  }
}

customElements.define('text-card', TextCard)

declare global {
  interface HTMLElementTagNameMap {
    'text-card': TextCard
  }
}

import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { ChatMessage, ModelEntry } from '../../index.ts'
import '../../ui/answers/written-text.ts'
import { t } from '../../ui/texts/text.ts'
import { findUnfinished, keepUnfinished } from '../state/unfinished-writing.ts'
import type { WritingInput } from '../state/write-answer.ts'
import { modelLicense } from './model-license.ts'
import { samplesStyles } from './samples-styles.ts'
import { TaskCard } from './task-card.ts'
import { textAreaStyles } from './text-area-styles.ts'

/** Beginnings to try. They are what the model was trained on, and so are the same in every language of the app. */
const beginnings = [
  'Once upon a time there was a king',
  'The old woman opened the door, and',
  'Deep in the forest',
] as const

/** Writes on from a beginning, or answers in a conversation, as the model can. */
export class WriteCard extends TaskCard<'writing'> {
  static override styles = [
    ...TaskCard.styles,
    samplesStyles,
    textAreaStyles,
    css`
      ol {
        display: grid;
        gap: 10px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .message {
        display: flex;
        gap: 8px;
        align-items: start;
        justify-content: space-between;
        padding: 10px 14px;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        background: var(--sunken);
        border-radius: var(--radius-small);
      }
      .message.user {
        margin-left: 12%;
      }
      .message button {
        flex: none;
        min-height: 28px;
        padding: 0 8px;
      }
    `,
  ]
  /** The conversation before the answer that is shown. */
  #messages: readonly ChatMessage[] = []
  /** What the text that is shown goes on from. */
  #beginning = ''
  /** The model that the person chose. */
  #chosen: string | undefined
  #isRestored = false

  take(): boolean {
    return false
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { models = [] } = this.app.state
    const wanted = this.#chosen ?? this.spec.model
    const found = models.some(({ name }) => name === wanted)
    const [first] = this.#writers()
    // Where the catalogue has another model that writes, that one does.
    if (!found && first !== undefined && this.spec.model !== first.name) this.#choose(first.name)
    // The page gives its own spec again whenever it is drawn.
    else if (found && this.spec.model !== wanted) this.spec = { ...this.spec, model: wanted }
    super.willUpdate(changed)
    if (!this.#isRestored && this.app.state.models !== undefined) {
      this.#isRestored = true
      this.#goOnWithUnfinished()
    }
  }

  #writers(): readonly ModelEntry[] {
    return (this.app.state.models ?? []).filter(({ task }) => task === 'text-generation')
  }

  #choose(model: string): void {
    this.#chosen = model
    this.#messages = []
    this.#beginning = ''
    this.spec = { ...this.spec, model }
    this.renewRun()
  }

  get #isChat(): boolean {
    return this.model?.writes === 'chat'
  }

  get #field(): HTMLTextAreaElement | null {
    return this.renderRoot.querySelector('textarea')
  }

  get #answer(): string {
    return this.run.state.answer?.text ?? ''
  }

  readonly #send = () => {
    const text = this.#field?.value ?? ''
    if (text.trim() === '') return
    if (!this.#isChat) {
      this.#write(text)
      return
    }
    const answered = this.#answer === '' ? [] : [{ role: 'assistant', content: this.#answer } as const]
    this.#messages = [...this.#messages, ...answered, { role: 'user', content: text }]
    if (this.#field) this.#field.value = ''
    this.#ask()
  }

  #write(beginning: string): void {
    this.#beginning = beginning
    void this.#start({ prompt: beginning })
  }

  #ask(): void {
    void this.#start({ messages: this.#messages })
  }

  async #start(input: WritingInput): Promise<void> {
    this.run.reset()
    keepUnfinished({ model: this.spec.model, input })
    const { run } = this
    await this.give(input)
    // Another one may have been begun meanwhile.
    if (run.state.status !== 'running') keepUnfinished(undefined)
  }

  /** The tab was reloaded in the midst of an answer: it goes on. */
  #goOnWithUnfinished(): void {
    const unfinished = findUnfinished()
    if (unfinished === undefined || !this.#writers().some(({ name }) => name === unfinished.model)) return
    if (unfinished.model !== this.spec.model) this.#choose(unfinished.model)
    const { input } = unfinished
    if ('messages' in input) this.#messages = input.messages
    else this.#beginning = input.prompt
    void this.#start(input)
  }

  readonly #again = () => {
    if (this.#isChat) this.#ask()
    else this.#write(this.#beginning)
  }

  readonly #goOn = () => this.#write(this.#beginning + this.#answer)

  /** The message goes back into the field, and what came after it is forgotten. */
  #edit(index: number): void {
    const message = this.#messages[index]
    if (message === undefined || this.#field === null) return
    this.#messages = this.#messages.slice(0, index)
    this.run.reset()
    this.#field.value = message.content
    this.#field.focus()
  }

  readonly #copy = async () => {
    const text = this.#isChat ? this.#answer : this.#beginning + this.#answer
    await navigator.clipboard.writeText(text).catch(() => {
      this.fail(t('write.not-copied', 'This browser does not allow it. Select the text and copy it.'))
    })
  }

  readonly #key = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    this.#send()
  }

  #modelChoice(): TemplateResult | typeof nothing {
    const writers = this.#writers()
    if (writers.length < 2) return nothing
    return html`<label class="small muted">${t('write.model', 'Model')}
      <select data-testid="writer" @change=${(event: Event) => this.#choose((event.currentTarget as HTMLSelectElement).value)}>
        ${writers.map(({ name, title }) => html`<option value=${name} ?selected=${name === this.spec.model}>${title}</option>`)}
      </select>
    </label>`
  }

  protected renderInput() {
    const isRunning = this.run.state.status === 'running'
    const label = this.#isChat
      ? t('write.message', 'A message')
      : t('write.beginning', 'A beginning, in English, for the model to go on with')
    return html`${this.#modelChoice()}${this.#isChat ? this.#conversation() : nothing}
      ${this.#isChat ? this.#written() : nothing}
      <textarea
        class="field"
        rows="2"
        maxlength="20000"
        data-testid="beginning"
        aria-label=${label}
        placeholder=${label}
        @keydown=${this.#key}
      ></textarea>
      <div class="row">
        ${
          isRunning
            ? html`<button type="button" data-testid="stop" @click=${() => this.run.cancel()}>${t('write.stop', 'Stop')}</button>`
            : html`<button type="button" class="primary" data-testid="write" @click=${this.#send}>${t('write.write', 'Write')}</button>`
        }
        ${isRunning || this.#answer === '' ? nothing : this.#afterwards()}
      </div>
      ${this.#isChat || this.#beginning !== '' ? nothing : this.#beginnings()}`
  }

  #afterwards(): TemplateResult {
    return html`<button type="button" data-testid="again" @click=${this.#again}>${t('write.again', 'Again')}</button>
      ${
        this.#isChat
          ? nothing
          : html`<button type="button" data-testid="go-on" @click=${this.#goOn}>${t('write.go-on', 'Go on')}</button>`
      }
      <button type="button" data-testid="copy" @click=${this.#copy}>${t('write.copy', 'Copy')}</button>`
  }

  #beginnings(): TemplateResult {
    return html`<div class="row samples" role="group" aria-label=${t('samples.title', 'Or try one of these')}>
      ${beginnings.map(
        (text) =>
          html`<button type="button" data-testid="sample" @click=${() => {
            if (this.#field) this.#field.value = text
            this.#write(text)
          }}>${text}</button>`,
      )}
    </div>`
  }

  #conversation(): TemplateResult | typeof nothing {
    if (this.#messages.length === 0) return nothing
    return html`<ol aria-label=${t('write.conversation', 'Conversation')}>
      ${this.#messages.map(
        ({ role, content }, index) => html`<li class="message ${role}" data-testid="message" data-role=${role}>
          <span>${content}</span>
          ${
            role === 'user'
              ? html`<button type="button" class="quiet small" data-testid="edit" @click=${() => this.#edit(index)}>${t('write.edit', 'Edit')}</button>`
              : nothing
          }
        </li>`,
      )}
    </ol>`
  }

  #written(): TemplateResult {
    const { answer, status } = this.run.state
    return html`<hither-written
      aria-live="polite"
      .prompt=${this.#isChat ? '' : this.#beginning}
      .written=${answer}
      .running=${status === 'running'}
    ></hither-written>`
  }

  protected renderAnswer() {
    return html`${modelLicense(this.model)}${this.#isChat ? nothing : this.#written()}`
  }
}

customElements.define('write-card', WriteCard)

declare global {
  interface HTMLElementTagNameMap {
    'write-card': WriteCard
  }
}

import { css, html } from 'lit'
import type { Classification, PictureSource } from '../../index.ts'
import '../../ui/answers/digit-answer.ts'
import '../../ui/input/drawing-pad.ts'
import { t } from '../../ui/texts/text.ts'
import './sample-strip.ts'
import { TaskCard } from './task-card.ts'

/** Longest side of a picture as the pad shows it. */
const previewSide = 512

/** Reads a digit that is drawn, dropped, pasted, chosen or sampled. */
export class DigitCard extends TaskCard {
  static override styles = [
    ...TaskCard.styles,
    css`
      .body {
        display: grid;
        flex: 1;
        gap: 20px clamp(20px, 4%, 40px);
        align-content: center;
      }
      .tools {
        display: flex;
        gap: 8px;
      }
      .tools > * {
        padding: 0 12px;
        white-space: nowrap;
      }
      .choose {
        flex: 1;
        position: relative;
      }
      .answer {
        display: grid;
        align-content: center;
        gap: 28px;
        min-width: 0;
      }
      @container (min-width: 620px) {
        .body {
          grid-template-columns: minmax(0, 44%) minmax(0, 1fr);
        }
      }
    `,
  ]

  /** What *Run* runs; undefined means the pad. */
  #picture: PictureSource | undefined

  get #pad() {
    return this.renderRoot.querySelector('hither-pad')
  }

  take(file: File): boolean {
    if (/^(audio|video)\//.test(file.type)) return false
    void this.#runPicture(file)
    return true
  }

  /** Runs a picture and, when it could be read, shows it on the pad. */
  async #runPicture(picture: HTMLImageElement | File): Promise<void> {
    this.#picture = picture
    this.#pad?.clear()
    const problem = await this.give({ kind: 'picture', picture })
    // Shown only now: a picture that is too large must not be decoded for its preview either.
    if (this.#picture !== picture || problem?.code?.startsWith('picture-')) return
    const resize = { resizeWidth: previewSide, resizeQuality: picture instanceof File ? 'high' : 'pixelated' } as const
    const preview = await createImageBitmap(picture, resize).catch(() => undefined)
    if (preview && this.#picture === picture) this.#pad?.show(preview)
  }

  readonly #runPad = () => {
    this.#picture = undefined
    const canvas = this.#pad?.canvas
    if (canvas) void this.give({ kind: 'picture', picture: canvas })
  }

  readonly #runAgain = () => {
    if (this.#picture === undefined) this.#runPad()
    else void this.give({ kind: 'picture', picture: this.#picture })
  }

  readonly #clear = () => {
    this.#picture = undefined
    this.#pad?.clear()
    this.run.reset()
  }

  readonly #choose = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement
    const file = input.files?.[0]
    // The same file chosen again must count as a choice again.
    input.value = ''
    if (file) void this.#runPicture(file)
  }

  protected renderInput() {
    return html`<hither-pad @stroke-start=${() => this.run.cancel()} @drawn=${this.#runPad}></hither-pad>
      <div class="tools">
        <button type="button" data-testid="clear" @click=${this.#clear}>${t('pad.clear', 'Clear')}</button>
        <button type="button" data-testid="run" @click=${this.#runAgain}>${t('pad.run', 'Run')}</button>
        <label class="button choose">
          ${t('pad.choose', 'Choose a picture')}
          <input class="hidden-visually" type="file" accept="image/*" data-testid="file-input" @change=${this.#choose} />
        </label>
      </div>`
  }

  protected renderAnswer() {
    const { answer, status } = this.run.state
    return html`<div class="answer">
      <hither-answer .answer=${answer as Classification | undefined} .running=${status === 'running'}></hither-answer>
      <sample-strip
        @sample=${(event: CustomEvent<HTMLImageElement>) => this.#runPicture(event.detail)}
      ></sample-strip>
    </div>`
  }

  protected override renderBody() {
    return html`<div class="body">
      <div class="input">${this.renderInput()}</div>
      ${this.renderAnswer()}
    </div>`
  }
}

customElements.define('digit-card', DigitCard)

declare global {
  interface HTMLElementTagNameMap {
    'digit-card': DigitCard
  }
}

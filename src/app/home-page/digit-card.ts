import { css, html } from 'lit'
import type { PictureSource } from '../../index.ts'
import '../../ui/answers/digit-answer.ts'
import '../../ui/input/drawing-pad.ts'
import '../../ui/input/file-button.ts'
import { t } from '../../ui/texts/text.ts'
import { type GivenPicture, previewAfter } from './picture-preview.ts'
import './sample-pictures.ts'
import { TaskCard } from './task-card.ts'

/** Longest side of a picture as the pad shows it. */
const previewSide = 512

/** Reads a digit that is drawn, dropped, pasted, chosen or sampled. */
export class DigitCard extends TaskCard<'drawing'> {
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
      .tools > *,
      .tools > ::part(label) {
        padding: 0 12px;
        white-space: nowrap;
      }
      .tools > hither-file {
        flex: 1;
        padding: 0;
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
  async #runPicture(picture: GivenPicture): Promise<void> {
    this.#picture = picture
    this.#pad?.clear()
    const preview = await previewAfter(this.give({ picture }), picture, { side: previewSide, enlarge: true })
    if (preview && this.#picture === picture) this.#pad?.show(preview)
  }

  readonly #runPad = () => {
    this.#picture = undefined
    const canvas = this.#pad?.canvas
    if (canvas) void this.give({ picture: canvas })
  }

  readonly #runAgain = () => {
    if (this.#picture === undefined) this.#runPad()
    else void this.give({ picture: this.#picture })
  }

  readonly #clear = () => {
    this.#picture = undefined
    this.#pad?.clear()
    this.run.reset()
  }

  protected renderInput() {
    return html`<hither-pad @stroke-start=${() => this.run.cancel()} @drawn=${this.#runPad}></hither-pad>
      <div class="tools">
        <button type="button" data-testid="clear" @click=${this.#clear}>${t('pad.clear', 'Clear')}</button>
        <button type="button" data-testid="run" @click=${this.#runAgain}>${t('pad.run', 'Run')}</button>
        <hither-file
          accept="image/*"
          name="file-input"
          @files=${(event: CustomEvent<readonly File[]>) => event.detail[0] && this.#runPicture(event.detail[0])}
        >
          ${t('pad.choose', 'Choose a picture')}
        </hither-file>
      </div>`
  }

  protected renderAnswer() {
    const { answer, status } = this.run.state
    return html`<div class="answer">
      <hither-answer .answer=${answer} .running=${status === 'running'}></hither-answer>
      <sample-pictures
        folder="digits"
        @sample=${(event: CustomEvent<HTMLImageElement>) => this.#runPicture(event.detail)}
      ></sample-pictures>
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

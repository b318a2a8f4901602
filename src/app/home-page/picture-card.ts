import { css, html } from 'lit'
import '../../ui/answers/picture-finds.ts'
import { cameraIcon } from '../../ui/design/input-icons.ts'
import '../../ui/input/file-button.ts'
import { labelName } from '../../ui/texts/label-names.ts'
import { t } from '../../ui/texts/text.ts'
import { modelLicense } from './model-license.ts'
import { type GivenPicture, previewAfter } from './picture-preview.ts'
import './sample-pictures.ts'
import './stream-button.ts'
import { TaskCard } from './task-card.ts'
import { toolsStyles } from './tools-styles.ts'

/** Longest side of a picture as it is shown. */
const previewSide = 1024

/** Finds faces or things in a picture that is dropped, pasted or chosen, or before the camera. */
export class PictureCard extends TaskCard<'picture'> {
  static override properties = { ...TaskCard.properties, picture: { state: true }, camera: { state: true } }
  static override styles = [
    ...TaskCard.styles,
    toolsStyles,
    css`
      .empty {
        display: grid;
      }
      .empty::part(label) {
        display: grid;
        place-content: center;
        gap: 4px;
        min-height: 200px;
        padding: 16px;
        text-align: center;
      }
      .empty strong {
        font-size: 17px;
        font-weight: 500;
      }
    `,
  ]
  declare picture: ImageBitmap | undefined
  declare camera: MediaStream | undefined

  /** The picture that was given last: an older one whose preview comes later is not shown. */
  #given: GivenPicture | undefined

  get #button() {
    return this.renderRoot.querySelector('stream-button')
  }

  take(file: File): boolean {
    if (!file.type.startsWith('image/')) return false
    void this.#runPicture(file)
    return true
  }

  async #runPicture(picture: GivenPicture | undefined): Promise<void> {
    if (picture === undefined) return
    this.#button?.stop()
    this.run.reset()
    this.#given = picture
    const preview = await previewAfter(this.give({ picture }), picture, { side: previewSide })
    if (this.#given === picture) this.picture = preview
  }

  readonly #watch = async ({ detail: camera }: CustomEvent<MediaStream>) => {
    this.#given = undefined
    this.picture = undefined
    this.camera = camera
    this.run.reset()
    await this.give({ camera })
    if (this.#button?.stream === camera) this.#button.stop()
  }

  readonly #unwatch = () => {
    this.camera = undefined
    this.run.cancel()
  }

  readonly #choose = (event: CustomEvent<readonly File[]>) => void this.#runPicture(event.detail[0])

  protected renderInput() {
    const { answer, status } = this.run.state
    return html`<hither-finds
        .picture=${this.picture}
        .camera=${this.camera}
        .finds=${answer}
        .nameOf=${(label: string) => labelName(this.spec.id, label)}
      >
        <hither-file class="empty" plain accept="image/*" @files=${this.#choose}>
          <strong>${status === 'running' ? t('answer.running', 'Reading…') : t('picture.drop', 'Drop a picture here')}</strong>
          <span class="small muted">${t('picture.or', 'or paste, choose or take one')}</span>
        </hither-file>
      </hither-finds>
      <div class="row tools">
        <hither-file accept="image/*" name="file-input" @files=${this.#choose}>
          ${t('pad.choose', 'Choose a picture')}
        </hither-file>
        <stream-button
          name="use-camera"
          .constraints=${{ video: { facingMode: 'environment' } }}
          .icon=${cameraIcon}
          .startText=${t('picture.camera', 'Camera')}
          .stopText=${t('picture.stop', 'Stop')}
          @stream=${this.#watch}
          @stream-end=${this.#unwatch}
          @stream-refused=${() => this.fail(t('picture.no-camera', 'There is no camera that this page may use.'))}
        ></stream-button>
      </div>
      <sample-pictures
        .folder=${this.spec.id}
        @sample=${(event: CustomEvent<HTMLImageElement>) => this.#runPicture(event.detail)}
      ></sample-pictures>`
  }

  protected renderAnswer() {
    return html`${modelLicense(this.model)}`
  }
}

customElements.define('picture-card', PictureCard)

declare global {
  interface HTMLElementTagNameMap {
    'picture-card': PictureCard
  }
}

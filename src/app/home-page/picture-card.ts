import { css, html } from 'lit'
import type { Detections } from '../../index.ts'
import { cameraIcon } from '../../ui/design/icons.ts'
import '../../ui/answers/picture-finds.ts'
import { labelName } from '../../ui/texts/label-names.ts'
import { t } from '../../ui/texts/text.ts'
import { modelLicense } from './model-license.ts'
import './picture-samples.ts'
import { TaskCard } from './task-card.ts'

/** Longest side of a picture as it is shown. */
const previewSide = 1024

/** Finds faces or things in a picture that is dropped, pasted or chosen, or before the camera. */
export class PictureCard extends TaskCard {
  static override properties = { ...TaskCard.properties, picture: { state: true }, camera: { state: true } }
  static override styles = [
    ...TaskCard.styles,
    css`
      .empty {
        display: grid;
        place-content: center;
        gap: 4px;
        min-height: 200px;
        padding: 16px;
        text-align: center;
        cursor: pointer;
      }
      .empty strong {
        font-size: 17px;
        font-weight: 500;
      }
      .tools > * {
        position: relative;
        flex: 1;
        gap: 8px;
        padding: 0 10px;
        white-space: nowrap;
      }
    `,
  ]
  declare picture: ImageBitmap | undefined
  declare camera: MediaStream | undefined

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stopCamera()
  }

  take(file: File): boolean {
    if (!file.type.startsWith('image/')) return false
    void this.#runPicture(file)
    return true
  }

  #stopCamera(): void {
    for (const track of this.camera?.getTracks() ?? []) track.stop()
    this.camera = undefined
  }

  async #runPicture(picture: File | HTMLImageElement): Promise<void> {
    this.#stopCamera()
    this.run.reset()
    const problem = await this.give({ kind: 'picture', picture })
    // Shown only now: a picture that is too large must not be decoded for its preview either.
    if (problem?.code?.startsWith('picture-')) {
      this.picture = undefined
      return
    }
    const whole = await createImageBitmap(picture).catch(() => undefined)
    if (whole === undefined) return
    const scale = Math.min(1, previewSide / Math.max(whole.width, whole.height))
    this.picture = await createImageBitmap(whole, {
      resizeWidth: Math.max(1, Math.round(whole.width * scale)),
      resizeQuality: 'high',
    })
  }

  readonly #toggleCamera = async () => {
    if (this.camera) {
      this.#stopCamera()
      this.run.cancel()
      return
    }
    try {
      this.camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
    } catch {
      this.run.fail({ message: t('picture.no-camera', 'There is no camera that this page may use.') })
      return
    }
    this.picture = undefined
    this.run.reset()
    const { camera } = this
    await this.give({ kind: 'camera', stream: camera })
    if (this.camera === camera) this.#stopCamera()
  }

  readonly #choose = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement
    const file = input.files?.[0]
    input.value = ''
    if (file) void this.#runPicture(file)
  }

  protected renderInput() {
    const { answer, status } = this.run.state
    const finds = answer as Detections | undefined
    return html`<hither-finds
        .picture=${this.picture}
        .camera=${this.camera}
        .finds=${finds}
        .nameOf=${(label: string) => labelName(this.spec.id, label)}
      >
        <label class="empty">
          <strong>${status === 'running' ? t('answer.running', 'Reading…') : t('picture.drop', 'Drop a picture here')}</strong>
          <span class="small muted">${t('picture.or', 'or paste, choose or take one')}</span>
          <input class="hidden-visually" type="file" accept="image/*" tabindex="-1" @change=${this.#choose} />
        </label>
      </hither-finds>
      <div class="row tools">
        <label class="button">
          ${t('pad.choose', 'Choose a picture')}
          <input class="hidden-visually" type="file" accept="image/*" data-testid="file-input" @change=${this.#choose} />
        </label>
        <button type="button" data-testid="use-camera" aria-pressed=${this.camera ? 'true' : 'false'} @click=${this.#toggleCamera}>
          ${cameraIcon} ${this.camera ? t('picture.stop', 'Stop') : t('picture.camera', 'Camera')}
        </button>
      </div>
      <picture-samples
        .folder=${this.spec.id}
        @sample=${(event: CustomEvent<HTMLImageElement>) => this.#runPicture(event.detail)}
      ></picture-samples>`
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

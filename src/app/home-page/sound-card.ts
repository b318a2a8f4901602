import { css, html } from 'lit'
import type { Speech } from '../../ui/answers/speech-timeline.ts'
import { microphoneIcon } from '../../ui/design/icons.ts'
import '../../ui/answers/speech-timeline.ts'
import { t } from '../../ui/texts/text.ts'
import { modelLicense } from './model-license.ts'
import { TaskCard } from './task-card.ts'

/** Finds speech in what a microphone hears, or in a recording. */
export class SoundCard extends TaskCard {
  static override properties = { ...TaskCard.properties, microphone: { state: true } }
  static override styles = [
    ...TaskCard.styles,
    css`
      .tools > * {
        position: relative;
        flex: 1;
        gap: 8px;
        padding: 0 10px;
        white-space: nowrap;
      }
      .listening {
        color: var(--danger);
        border-color: currentColor;
      }
    `,
  ]
  declare microphone: MediaStream | undefined

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stopMicrophone()
  }

  take(file: File): boolean {
    if (!/^(audio|video)\//.test(file.type)) return false
    this.#stopMicrophone()
    void this.give({ kind: 'sound', sound: file })
    return true
  }

  #stopMicrophone(): void {
    for (const track of this.microphone?.getTracks() ?? []) track.stop()
    this.microphone = undefined
  }

  readonly #toggle = async () => {
    if (this.microphone) {
      this.#stopMicrophone()
      this.run.cancel()
      return
    }
    try {
      this.microphone = await navigator.mediaDevices.getUserMedia({ audio: true })
    } catch {
      this.run.fail({ message: t('sound.no-microphone', 'There is no microphone that this page may use.') })
      return
    }
    this.run.reset()
    const { microphone } = this
    await this.give({ kind: 'microphone', stream: microphone })
    if (this.microphone === microphone) this.#stopMicrophone()
  }

  readonly #choose = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement
    const file = input.files?.[0]
    input.value = ''
    if (file) void this.give({ kind: 'sound', sound: file })
  }

  readonly #trySample = async () => {
    this.#stopMicrophone()
    const url = new URL('samples/speech/machine-voice.mp3', document.baseURI)
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) void this.give({ kind: 'sound', sound: await response.blob() })
    else this.run.fail({ message: t('samples.unreachable', 'The sample cannot be fetched. Is there a network?') })
  }

  protected renderInput() {
    return html`<div class="row tools">
      <button
        type="button"
        class=${this.microphone ? 'listening' : ''}
        data-testid="use-microphone"
        aria-pressed=${this.microphone ? 'true' : 'false'}
        @click=${this.#toggle}
      >
        ${microphoneIcon} ${this.microphone ? t('sound.stop', 'Stop listening') : t('sound.listen', 'Listen')}
      </button>
      <label class="button">
        ${t('sound.choose', 'Choose a recording')}
        <input
          class="hidden-visually"
          type="file"
          accept="audio/*,video/*"
          data-testid="sound-input"
          @change=${this.#choose}
        />
      </label>
    </div>
    <div class="row samples" role="group" aria-label=${t('samples.title', 'Or try one of these')}>
      <button type="button" data-testid="sample-voice" @click=${this.#trySample}>
        ${t('samples.voice', 'A machine’s voice')}
      </button>
    </div>`
  }

  protected renderAnswer() {
    return html`${modelLicense(this.model)}<hither-timeline
        .speech=${this.run.state.answer as Speech | undefined}
      ></hither-timeline>`
  }
}

customElements.define('sound-card', SoundCard)

declare global {
  interface HTMLElementTagNameMap {
    'sound-card': SoundCard
  }
}

import { html } from 'lit'
import '../../ui/answers/speech-timeline.ts'
import { microphoneIcon } from '../../ui/design/input-icons.ts'
import '../../ui/input/file-button.ts'
import { t } from '../../ui/texts/text.ts'
import { modelLicense } from './model-license.ts'
import { samplesStyles } from './samples-styles.ts'
import './stream-button.ts'
import { TaskCard } from './task-card.ts'
import { toolsStyles } from './tools-styles.ts'

/** Finds speech in what a microphone hears, or in a recording. */
export class SoundCard extends TaskCard<'sound'> {
  static override styles = [...TaskCard.styles, samplesStyles, toolsStyles]

  get #microphone() {
    return this.renderRoot.querySelector('stream-button')
  }

  take(file: File): boolean {
    if (!/^(audio|video)\//.test(file.type)) return false
    this.#runRecording(file)
    return true
  }

  #runRecording(recording: Blob | undefined): void {
    this.#microphone?.stop()
    if (recording) void this.give({ recording })
  }

  readonly #listen = async ({ detail: microphone }: CustomEvent<MediaStream>) => {
    this.run.reset()
    await this.give({ microphone })
    if (this.#microphone?.stream === microphone) this.#microphone.stop()
  }

  readonly #trySample = async () => {
    this.#microphone?.stop()
    const url = new URL('samples/speech/machine-voice.mp3', document.baseURI)
    const response = await fetch(url).catch(() => undefined)
    if (response?.ok) this.#runRecording(await response.blob())
    else this.fail(t('samples.unreachable', 'The sample cannot be fetched. Is there a network?'))
  }

  protected renderInput() {
    return html`<div class="row tools">
      <stream-button
        name="use-microphone"
        .constraints=${{ audio: true }}
        .icon=${microphoneIcon}
        .startText=${t('sound.listen', 'Listen')}
        .stopText=${t('sound.stop', 'Stop listening')}
        @stream=${this.#listen}
        @stream-end=${() => this.run.cancel()}
        @stream-refused=${() => this.fail(t('sound.no-microphone', 'There is no microphone that this page may use.'))}
      ></stream-button>
      <hither-file
        accept="audio/*,video/*"
        name="sound-input"
        @files=${(event: CustomEvent<readonly File[]>) => this.#runRecording(event.detail[0])}
      >
        ${t('sound.choose', 'Choose a recording')}
      </hither-file>
    </div>
    <div class="row samples" role="group" aria-label=${t('samples.title', 'Or try one of these')}>
      <button type="button" data-testid="sample-voice" @click=${this.#trySample}>
        ${t('samples.voice', 'A machine’s voice')}
      </button>
    </div>`
  }

  protected renderAnswer() {
    return html`${modelLicense(this.model)}<hither-timeline
        .speech=${this.run.state.answer}
      ></hither-timeline>`
  }
}

customElements.define('sound-card', SoundCard)

declare global {
  interface HTMLElementTagNameMap {
    'sound-card': SoundCard
  }
}

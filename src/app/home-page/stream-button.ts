import { css, html, type TemplateResult } from 'lit'
import { UiElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'

/**
 * Starts and stops a camera or a microphone.
 *
 * @fires stream - it has started; `detail` is the stream
 * @fires stream-end - it was stopped, by the person or by `stop()`
 * @fires stream-refused - there is none, or the person did not allow it
 */
export class StreamButton extends UiElement {
  static override properties = {
    constraints: { attribute: false },
    icon: { attribute: false },
    startText: { attribute: false },
    stopText: { attribute: false },
    name: { type: String },
    stream: { state: true },
  }
  static override styles = [
    sharedStyles,
    css`
      button {
        gap: 8px;
        width: 100%;
        padding: 0 10px;
        white-space: nowrap;
      }
      .listening {
        color: var(--danger);
        border-color: currentColor;
      }
    `,
  ]
  declare constraints: MediaStreamConstraints
  declare icon: TemplateResult
  declare startText: string
  declare stopText: string
  /** The button's name for tests. */
  declare name: string
  /** The stream that runs. */
  declare stream: MediaStream | undefined

  #isAsking = false

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.stop()
  }

  /** Stops the stream that runs, if any. */
  stop(): void {
    if (this.stream === undefined) return
    endTracks(this.stream)
    this.stream = undefined
    this.dispatchEvent(new Event('stream-end'))
  }

  readonly #toggle = async () => {
    if (this.#isAsking) return
    if (this.stream) {
      this.stop()
      return
    }
    this.#isAsking = true
    try {
      const stream = await navigator.mediaDevices.getUserMedia(this.constraints)
      if (!this.isConnected) {
        endTracks(stream)
        return
      }
      this.stream = stream
      this.dispatchEvent(new CustomEvent<MediaStream>('stream', { detail: stream }))
    } catch {
      this.dispatchEvent(new Event('stream-refused'))
    } finally {
      this.#isAsking = false
    }
  }

  override render() {
    const { stream, constraints } = this
    return html`<button
      type="button"
      class=${stream && constraints.audio ? 'listening' : ''}
      data-testid=${this.name}
      aria-pressed=${stream ? 'true' : 'false'}
      @click=${this.#toggle}
    >
      ${this.icon} ${stream ? this.stopText : this.startText}
    </button>`
  }
}

function endTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}

customElements.define('stream-button', StreamButton)

declare global {
  interface HTMLElementTagNameMap {
    'stream-button': StreamButton
  }
}

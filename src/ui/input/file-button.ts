import { css, html } from 'lit'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { sharedStyles } from '../design/shared-styles.ts'

/**
 * Opens the browser's file chooser.
 *
 * @fires files - files were chosen; `detail` holds them, at least one
 * @slot - its label
 * @csspart label - what is clicked: looks like a button unless `plain`
 */
export class FileButton extends UiElement {
  static override properties = {
    accept: { type: String },
    multiple: { type: Boolean },
    disabled: { type: Boolean },
    plain: { type: Boolean },
    name: { type: String },
  }
  static override styles = [
    sharedStyles,
    css`
      :host {
        position: relative;
      }
      label {
        width: 100%;
        cursor: pointer;
      }
    `,
  ]
  /** Kinds of files, as in `<input accept>`. */
  declare accept: string
  declare multiple: boolean
  declare disabled: boolean
  /** Looks as its label looks, and is left out of the order of the Tab key: there is a button for the same beside it. */
  declare plain: boolean
  /** The field's name for tests. */
  declare name: string

  constructor() {
    super()
    this.accept = ''
    this.name = ''
  }

  readonly #choose = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement
    const files = [...(input.files ?? [])]
    // Emptied, so that choosing the same file again is a change again.
    input.value = ''
    if (files.length > 0) this.dispatchEvent(new CustomEvent<readonly File[]>('files', { detail: files }))
  }

  override render() {
    return html`<label class=${this.plain ? '' : 'button'} part="label">
      <slot></slot>
      <input
        class="hidden-visually"
        type="file"
        accept=${this.accept}
        tabindex=${this.plain ? -1 : 0}
        data-testid=${this.name}
        ?multiple=${this.multiple}
        ?disabled=${this.disabled}
        @change=${this.#choose}
      />
    </label>`
  }
}

define('hither-file', FileButton)

declare global {
  interface HTMLElementTagNameMap {
    'hither-file': FileButton
  }
}

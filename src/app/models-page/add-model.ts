import { css, html, nothing } from 'lit'
import '../../ui/input/file-button.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { t } from '../../ui/texts/text.ts'
import type { App } from '../state/app.ts'
import { type Problem, toProblem } from '../state/problem.ts'

/**
 * Adds a model of the person's own: an .onnx file, an exported .zip, or an address.
 *
 * @fires added - a model was added
 */
export class AddModel extends UiElement {
  static override properties = {
    app: { attribute: false },
    busy: { state: true },
    progress: { state: true },
    problem: { state: true },
  }
  static override styles = [
    sharedStyles,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        align-items: center;
      }
      .field {
        width: 220px;
      }
      p {
        margin-top: 8px;
      }
      @media (max-width: 699px) {
        .field {
          flex: 1;
        }
      }
    `,
  ]
  declare app: App
  declare busy: boolean
  declare progress: string
  declare problem: Problem | undefined

  async #add(source: readonly File[] | string): Promise<void> {
    this.busy = true
    this.problem = undefined
    this.progress = ''
    try {
      const { models } = await this.app.client()
      const [file] = typeof source === 'string' ? [] : source
      if (typeof source !== 'string' && file?.name.endsWith('.zip')) await models.import(file)
      else {
        await models.add(source, {
          onProgress: ({ loadedBytes, totalBytes }) => {
            this.progress = `${formatBytes(loadedBytes)} / ${formatBytes(totalBytes)}`
          },
        })
      }
      this.dispatchEvent(new Event('added'))
    } catch (error) {
      this.problem = toProblem(error)
    }
    this.busy = false
  }

  readonly #submit = (event: Event) => {
    event.preventDefault()
    const address = this.renderRoot.querySelector<HTMLInputElement>('[name=address]')?.value.trim()
    if (address) void this.#add(address)
  }

  override render() {
    return html`<form @submit=${this.#submit}>
        <hither-file
          multiple
          accept=".onnx,.zip,.onnx_data,.data"
          name="add-file"
          .disabled=${this.busy}
          @files=${(event: CustomEvent<readonly File[]>) => this.#add(event.detail)}
        >
          ${t('add.file', 'Add an .onnx file')}
        </hither-file>
        <input
          class="field"
          name="address"
          type="text"
          inputmode="url"
          aria-label=${t('add.address', 'Address of a model')}
          placeholder=${t('add.address', 'Address of a model')}
        />
        <button ?disabled=${this.busy}>${this.busy ? t('add.adding', 'Adding…') : t('add.add', 'Add')}</button>
      </form>
      <div aria-live="polite">
        ${this.busy && this.progress ? html`<p class="small muted">${this.progress}</p>` : nothing}
        ${this.problem ? html`<p class="problem small" data-testid="add-error">${problemSentence(this.problem)} <span class="code">${this.problem.code ?? ''}</span></p>` : nothing}
      </div>`
  }
}

customElements.define('add-model', AddModel)

declare global {
  interface HTMLElementTagNameMap {
    'add-model': AddModel
  }
}

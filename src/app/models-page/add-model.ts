import { css, html, nothing } from 'lit'
import '../../ui/input/file-button.ts'
import { isHitherError } from '../../index.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { str, t } from '../../ui/texts/text.ts'
import { problemLine } from '../page/problem-line.ts'
import type { App } from '../state/app.ts'
import { type Problem, toProblem } from '../state/problem.ts'
import { type AddStep, toAddSteps } from './chosen-files.ts'

type Step = AddStep | { readonly kind: 'address'; readonly label: string }

/** What could not be added, and why. */
interface Failure {
  readonly step: Step
  readonly problem: Problem
  /** A name under which it can be kept beside the model that has its own. */
  readonly free?: string
}

/** The name that is free, where another model has this one's. */
const freeNameOf = (error: unknown): { readonly free?: string } =>
  isHitherError(error) && error.code === 'model-exists' && typeof error.context.free === 'string'
    ? { free: error.context.free }
    : {}

/**
 * Adds models of the person's own: .onnx files, exported .zip files, or an address.
 *
 * @fires added - a model was added
 */
export class AddModel extends UiElement {
  static override properties = {
    app: { attribute: false },
    busy: { state: true },
    progress: { state: true },
    failures: { state: true },
    notice: { state: true },
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
        overflow-wrap: anywhere;
      }
      .failure {
        max-width: 68ch;
      }
      .failure button {
        margin: 4px 8px 0 0;
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
  declare failures: readonly Failure[]
  declare notice: string

  constructor() {
    super()
    this.busy = false
    this.progress = ''
    this.failures = []
    this.notice = ''
  }

  /** Adds files that were chosen, dropped or opened, one after the other; those that come meanwhile wait. */
  async take(files: readonly File[]): Promise<void> {
    await this.#run(await toAddSteps(files))
  }

  /** Says what is wrong with what was given. */
  fail(notice: string): void {
    this.notice = notice
  }

  /** Adding, in the order of asking. */
  #queue: Promise<void> = Promise.resolve()

  #run(steps: readonly Step[], name?: string): Promise<void> {
    // What was said before counts for what was given before.
    if (!this.busy) this.failures = []
    this.notice = ''
    const turn = this.#queue.then(() => this.#addAll(steps, name))
    this.#queue = turn
    return turn
  }

  async #addAll(steps: readonly Step[], name: string | undefined): Promise<void> {
    this.busy = true
    for (const [index, step] of steps.entries()) {
      const which = steps.length > 1 ? `${index + 1} / ${steps.length} · ${step.label}` : ''
      this.progress = which
      try {
        await this.#add(step, name, (bytes) => {
          this.progress = [which, bytes].filter(Boolean).join(' · ')
        })
        this.dispatchEvent(new Event('added'))
      } catch (error) {
        this.failures = [...this.failures, { step, problem: toProblem(error), ...freeNameOf(error) }]
      }
    }
    this.busy = false
    this.progress = ''
  }

  async #add(step: Step, name: string | undefined, onProgress: (bytes: string) => void): Promise<void> {
    const { models } = await this.app.client()
    const named = name === undefined ? {} : { name }
    if (step.kind === 'import') {
      await models.import(step.file, named)
      return
    }
    await models.add(step.kind === 'address' ? step.label : step.files, {
      ...named,
      onProgress: ({ loadedBytes, totalBytes }) =>
        onProgress(
          // A server need not say how long a file is.
          Number.isFinite(totalBytes)
            ? `${formatBytes(loadedBytes)} / ${formatBytes(totalBytes)}`
            : formatBytes(loadedBytes),
        ),
    })
  }

  readonly #submit = (event: Event) => {
    event.preventDefault()
    const address = this.renderRoot.querySelector<HTMLInputElement>('[name=address]')?.value.trim()
    if (address) void this.#run([{ kind: 'address', label: address }])
  }

  #failure({ step, problem, free }: Failure) {
    const forget = () => {
      this.failures = this.failures.filter((each) => each.step !== step)
    }
    return html`<div class="failure">
      <p class="problem small" data-testid="add-error">
        ${step.kind === 'address' ? nothing : html`<strong>${step.label}</strong>`} ${problemLine(problem)}
      </p>
      ${
        free === undefined
          ? nothing
          : html`<button type="button" class="small" data-testid="keep-both" @click=${() => this.#run([step], free)}>
                ${t('add.keep-both', str`Keep both: call it ${free}`)}
              </button>
              <button type="button" class="small" data-testid="forget" @click=${forget}>${t('card.forget', 'Forget it')}</button>`
      }
    </div>`
  }

  override render() {
    return html`<form @submit=${this.#submit}>
        <hither-file
          multiple
          name="add-file"
          .disabled=${this.busy}
          @files=${(event: CustomEvent<readonly File[]>) => this.take(event.detail)}
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
        ${this.busy && this.progress ? html`<p class="small muted" data-testid="add-progress">${this.progress}</p>` : nothing}
        ${this.notice ? html`<p class="problem small" data-testid="add-error">${this.notice}</p>` : nothing}
        ${this.failures.map((failure) => this.#failure(failure))}
      </div>`
  }
}

customElements.define('add-model', AddModel)

declare global {
  interface HTMLElementTagNameMap {
    'add-model': AddModel
  }
}

import { css, html, nothing } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { Client, ModelEntry, StorageReport } from '../../index.ts'
import { cssVariables } from '../../ui/design/css-variables.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { str, t } from '../../ui/texts/text.ts'
import { AppPage } from '../page/app-page.ts'
import { pageStyles } from '../page/page-styles.ts'
import { type Problem, toProblem } from '../state/problem.ts'
import './add-model.ts'
import './model-card.ts'
import { saveFile } from '../../ui/base/save-file.ts'
import type { ModelAction } from './model-card.ts'

/** The catalogue's and the person's own models, and what they take. */
export class ModelsPage extends AppPage {
  static override properties = { ...AppPage.properties, usage: { state: true } }
  static override styles = [
    sharedStyles,
    pageStyles,
    css`
      .models {
        margin-top: 16px;
      }
      .space {
        display: grid;
        gap: 10px;
      }
      .track {
        display: flex;
        gap: 2px;
        height: 12px;
        overflow: hidden;
        background: var(--sunken);
        border-radius: 6px;
      }
      .track div {
        flex: none;
        width: max(3px, calc(var(--share) * 100%));
        background: var(--edge);
      }
      .track div:nth-child(even) {
        background: var(--cloud);
      }
      @media (min-width: 1100px) {
        .grid.models {
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
      }
    `,
  ]
  declare usage: StorageReport | undefined

  readonly #problems = new Map<string, Problem>()
  readonly #notes = new Map<string, string>()
  readonly #busy = new Set<string>()
  #statuses = ''

  override connectedCallback(): void {
    super.connectedCallback()
    void this.app.refreshModels()
    void this.#readUsage()
  }

  protected override updated(): void {
    // What is stored has changed when a model's status has.
    const statuses = (this.app.state.models ?? []).map(({ name, state }) => `${name} ${state.status}`).join()
    if (statuses !== this.#statuses) void this.#readUsage()
    this.#statuses = statuses
  }

  async #readUsage(): Promise<void> {
    this.usage = await this.app
      .client()
      .then((client) => client.models.usage())
      .catch(() => undefined)
  }

  async #act({ name }: ModelEntry, action: ModelAction): Promise<void> {
    this.#problems.delete(name)
    this.#notes.delete(name)
    // A download goes on for long, and is paused by another button meanwhile.
    const takesAWhile = action === 'verify' || action === 'remove' || action === 'export'
    if (takesAWhile) this.#busy.add(name)
    this.requestUpdate()
    try {
      const note = await perform(await this.app.client(), name, action)
      if (note !== undefined) this.#notes.set(name, note)
    } catch (error) {
      const problem = toProblem(error)
      if (problem.code !== 'download-paused') this.#problems.set(name, problem)
    }
    this.#busy.delete(name)
    if (action !== 'download' && action !== 'prepare') await this.app.refreshModels()
    await this.#readUsage()
    this.requestUpdate()
  }

  #space(usage: StorageReport) {
    const { totalBytes, quotaBytes, budgetBytes, models, partialBytes, persistent } = usage
    const limit = budgetBytes ?? quotaBytes
    const share = (bytes: number) => bytes / Math.max(1, totalBytes, limit ?? 0)
    return html`<section class="card space" data-testid="space">
      <div class="row">
        <h2>${t('space.title', 'Space used')}</h2>
        <strong>${formatBytes(totalBytes)}</strong>
        ${limit === undefined ? nothing : html`<span class="muted small">${t('space.of', str`of about ${formatBytes(limit)} that this browser gives`)}</span>`}
      </div>
      <div class="track drawn" aria-hidden="true">
        ${models.map(({ bytes }) => html`<div ${cssVariables({ '--share': share(bytes) })}></div>`)}
      </div>
      <p class="small muted">
        ${[
          ...models.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`),
          ...(partialBytes > 0 ? [t('space.partial', str`unfinished downloads ${formatBytes(partialBytes)}`)] : []),
        ].join(' · ')}
      </p>
      ${
        persistent
          ? nothing
          : html`<p class="problem small">${t('space.memory', 'Nothing can be kept in this browser: models last as long as the page.')}</p>`
      }
      ${
        persistent && usage.protected === false
          ? html`<div class="row">
              <span class="small muted">${t('space.unprotected', 'The browser may clear this when space runs short.')}</span>
              <button type="button" data-testid="protect" @click=${this.#protect}>${t('space.protect', 'Ask it not to')}</button>
            </div>`
          : nothing
      }
    </section>`
  }

  readonly #protect = async () => {
    await this.app
      .client()
      .then((client) => client.models.protect())
      .catch(() => false)
    await this.#readUsage()
  }

  override render() {
    const { models, modelsProblem } = this.app.state
    return html`<div class="head">
        <div>
          <h1>${t('nav.models', 'Models')}</h1>
          <p class="muted">${t('models.lead', 'What can run here, and what is stored on this device.')}</p>
        </div>
        <add-model .app=${this.app} @added=${() => this.app.refreshModels()}></add-model>
      </div>
      ${modelsProblem ? html`<p class="problem-box" role="alert">${problemSentence(modelsProblem)} <span class="code">${modelsProblem.code ?? ''}</span></p>` : nothing}
      ${this.usage ? this.#space(this.usage) : nothing}
      <div class="grid two models">
        ${repeat(
          models ?? [],
          ({ name }) => name,
          (model) => html`<model-card
            .model=${model}
            .problem=${this.#problems.get(model.name)}
            .note=${this.#notes.get(model.name)}
            .busy=${this.#busy.has(model.name)}
            @act=${(event: CustomEvent<ModelAction>) => this.#act(model, event.detail)}
          ></model-card>`,
        )}
      </div>`
  }
}

/** Does what was asked; resolves with a sentence where there is something to say. */
async function perform(client: Client, name: string, action: ModelAction): Promise<string | undefined> {
  const { models } = client
  switch (action) {
    case 'prepare':
      await client.prepare(name)
      return undefined
    case 'accept':
      await models.acceptLicense(name)
      return undefined
    case 'verify': {
      const { ok, repairedChunks } = await models.verify(name)
      if (ok)
        return repairedChunks === 0
          ? t('model.intact', 'Every byte is as it should be.')
          : t('model.healed', str`${repairedChunks} damaged parts were fetched again.`)
      return t('model.damaged', 'It is damaged and could not be mended: remove it and download it again.')
    }
    case 'export':
      saveFile(`${name}.zip`, await models.export(name))
      return undefined
    default:
      await models[action](name)
      return undefined
  }
}

customElements.define('models-page', ModelsPage)

declare global {
  interface HTMLElementTagNameMap {
    'models-page': ModelsPage
  }
}

import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { ModelEntry } from '../../index.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { backendName, problemText, stateNames } from '../../ui/texts/names.ts'
import '../../ui/route/route-view.ts'
import { LaterElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { type TaskSpec, taskHints, taskTitles } from '../../ui/texts/tasks.ts'
import { str, t } from '../../ui/texts/text.ts'
import type { App } from '../state/app.ts'
import { createTaskRun, type TaskInput, type TaskRun } from '../state/task-run.ts'

const cardStyles = css`
  .samples button {
    min-height: 30px;
    padding: 0 10px;
    font-size: 13px;
    font-weight: 400;
    border-color: var(--line);
  }
  :host {
    container-type: inline-size;
  }
  .card {
    display: flex;
    flex-direction: column;
    gap: 14px;
  }
  header {
    display: flex;
    gap: 4px 12px;
    align-items: baseline;
    justify-content: space-between;
  }
  h2 {
    font-size: 17px;
    line-height: 24px;
    color: var(--text);
    letter-spacing: -0.01em;
  }
  h2 a {
    text-decoration: none;
  }
  h2 a:hover {
    text-decoration: underline;
  }
  .state {
    display: inline-flex;
    flex: none;
    gap: 6px;
    align-items: center;
  }
  .state::before {
    content: '';
    width: 7px;
    height: 7px;
    background: var(--line-strong);
    border-radius: 50%;
  }
  .state[data-status='ready']::before,
  .state[data-status='stored']::before {
    background: var(--edge);
  }
  .state[data-status='downloading']::before,
  .state[data-status='loading']::before {
    background: var(--warn);
  }
  .state[data-status='failed']::before {
    background: var(--danger);
  }
  .problem-box {
    padding: 12px 16px;
    color: var(--danger);
    background: var(--danger-soft);
    border-radius: var(--radius-small);
  }
  .problem-box button {
    margin-top: 8px;
  }
  .waiting {
    padding: 12px 16px;
    color: var(--warn);
    background: var(--sunken);
    border-radius: var(--radius-small);
  }
  .input {
    display: grid;
    gap: 10px;
  }
  hither-route {
    padding-top: 12px;
    margin-top: auto;
    border-top: 1px solid var(--line);
  }
`

/**
 * One task: what it is given, its answer, where that was found and why. `data-state` is idle, running, waiting, done or
 * error; `data-runs` counts the runs that ended.
 */
export abstract class TaskCard extends LaterElement {
  static override properties = { app: { attribute: false }, spec: { attribute: false }, solo: { type: Boolean } }
  static override styles = [sharedStyles, cardStyles]
  declare app: App
  declare spec: TaskSpec
  /** It is alone on the page: *why* is open. */
  declare solo: boolean

  #run: TaskRun | undefined
  #stop: (() => void)[] = []
  #told = ''

  protected abstract renderInput(): TemplateResult
  protected abstract renderAnswer(): TemplateResult
  /** Takes a file that was dropped, pasted, shared or opened; false where it is none of this card's. */
  abstract take(file: File): boolean

  protected get run(): TaskRun {
    this.#run ??= createTaskRun(this.app, this.spec)
    return this.#run
  }

  /** Shows a problem that is not a run's. */
  fail(message: string): void {
    this.run.fail({ message })
  }

  protected give(input: TaskInput) {
    return this.run.run(input)
  }

  override connectedCallback(): void {
    super.connectedCallback()
    if (this.#run) this.#listen()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#run?.cancel()
    for (const stop of this.#stop.splice(0)) stop()
  }

  #listen(): void {
    this.#stop.push(
      this.run.subscribe(() => this.requestUpdate()),
      this.app.subscribe(() => this.requestUpdate()),
    )
  }

  protected override willUpdate(_: PropertyValues): void {
    if (this.#stop.length === 0) this.#listen()
    const { status, runs } = this.run.state
    this.dataset.task = this.spec.id
    this.dataset.state = status
    this.dataset.runs = String(runs)
  }

  protected override updated(_: PropertyValues): void {
    this.#explainWhereNew()
  }

  /** Where the next one would run is asked again when what it rests on has changed, and someone is about to use it. */
  #explainWhereNew(): void {
    if (!this.isUsed()) return
    const { device, link, preferences } = this.app.state
    const told = [this.model?.state.status, device?.chosen, link?.online, link?.samples, preferences.privacy].join()
    if (told === this.#told || device === undefined) return
    this.#told = told
    this.run.explain()
  }

  /** Is this the card that someone is about to use? */
  protected isUsed(): boolean {
    return this.solo || this.spec.id === 'digits' || this.run.state.status !== 'idle'
  }

  protected get model(): ModelEntry | undefined {
    return this.app.state.models?.find(({ name }) => name === this.spec.model)
  }

  #state() {
    const { model } = this
    const { modelsProblem } = this.app.state
    if (model === undefined) {
      if (modelsProblem)
        return html`<span class="state small muted" data-testid="model-status" data-status="failed">${problemText(modelsProblem)}</span>`
      const isMissing = this.app.state.models !== undefined
      return html`<span class="state small muted" data-testid="model-status" data-status=${isMissing ? 'failed' : 'unknown'}>
        ${isMissing ? t('card.no-model', 'Not in the catalogue') : t('card.listing', 'Looking…')}
      </span>`
    }
    const { state, totalBytes } = model
    const text =
      state.status === 'ready'
        ? `${stateNames().ready} · ${backendName(state.backend)}`
        : state.status === 'downloading'
          ? `${formatBytes(state.loadedBytes)} / ${formatBytes(state.totalBytes)}`
          : state.status === 'absent'
            ? t('card.absent', str`${formatBytes(totalBytes)}, not here yet`)
            : stateNames()[state.status]
    return html`<span class="state small muted" data-testid="model-status" data-status=${state.status}>${text}</span>`
  }

  #problem() {
    const { problem, canWait, status } = this.run.state
    if (status === 'waiting') {
      return html`<p class="waiting" data-testid="waiting">
        ${t('card.waiting', 'In line: it runs as soon as this device is online.')}
        <button type="button" class="small" @click=${() => this.run.cancel()}>${t('card.forget', 'Forget it')}</button>
      </p>`
    }
    if (problem === undefined) return nothing
    const text = problemText(problem)
    const { code, reason } = problem
    return html`<div class="problem-box">
      <p data-testid="error" data-code=${code ?? ''}>
        ${text} ${reason === undefined || text.includes(reason) ? nothing : html`<q>${reason}</q>`}
        ${code ? html`<span class="code">${code}</span>` : nothing}
      </p>
      ${
        canWait === true
          ? html`<button type="button" data-testid="wait" @click=${() => this.run.waitInLine()}>
              ${t('card.wait', 'Run it when this device is online')}
            </button>`
          : nothing
      }
    </div>`
  }

  override render() {
    const { spec } = this
    const { route, explanation, status } = this.run.state
    return html`<section class="card" aria-labelledby="title" aria-busy=${status === 'running' ? 'true' : 'false'}>
      <header>
        <h2 id="title"><a href="#/task/${spec.id}">${taskTitles()[spec.id]}</a></h2>
        ${this.#state()}
      </header>
      <p class="muted small hint">${taskHints()[spec.id]}</p>
      ${this.renderBody()}
      <div aria-live="polite">${this.#problem()}</div>
      ${
        route || explanation
          ? html`<hither-route .route=${route} .explanation=${explanation} ?open=${this.solo}></hither-route>`
          : nothing
      }
    </section>`
  }

  protected renderBody(): TemplateResult {
    return html`<div class="input">${this.renderInput()}</div>
      ${this.renderAnswer()}`
  }
}

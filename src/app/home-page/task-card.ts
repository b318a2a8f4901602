import { css, html, nothing, type PropertyValues, type TemplateResult } from 'lit'
import type { ModelEntry } from '../../index.ts'
import { LaterElement } from '../../ui/base/ui-element.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { type TaskKind, type TaskSpecOf, taskHints, taskTitles } from '../../ui/texts/tasks.ts'
import type { App } from '../state/app.ts'
import { createTaskRun, type TaskRun } from '../state/task-run.ts'
import type { TaskInputs } from '../state/task-runners.ts'
import { modelStatus, modelStatusStyles } from './model-status.ts'
import { runProblem, runProblemStyles } from './run-problem.ts'

/** Fetched when a card is about to be used: before, there is no route to show. Where that fails, the next request tries again. */
const loadRouteView = () => void import('../../ui/route/route-view.ts').catch(() => {})

const cardStyles = css`
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
  .input {
    display: grid;
    gap: 10px;
  }
  hither-route {
    display: block;
    min-height: 49px;
    padding-top: 12px;
    margin-top: auto;
    border-top: 1px solid var(--line);
  }
`

/**
 * One task: what it is given, its answer, where that was found and why. `data-state` is idle, running, waiting, done or
 * error; `data-runs` counts the runs that ended.
 */
export abstract class TaskCard<K extends TaskKind = TaskKind> extends LaterElement {
  static override properties = { app: { attribute: false }, spec: { attribute: false }, solo: { type: Boolean } }
  static override styles = [sharedStyles, cardStyles, modelStatusStyles, runProblemStyles]
  declare app: App
  declare spec: TaskSpecOf<K>
  /** It is alone on the page: *why* is open. */
  declare solo: boolean

  #run: TaskRun<K> | undefined
  #stop: (() => void)[] = []
  #explainedFor = ''

  protected abstract renderInput(): TemplateResult
  protected abstract renderAnswer(): TemplateResult
  /** Takes a file that was dropped, pasted, shared or opened; false where it is none of this card's. */
  abstract take(file: File): boolean

  protected get run(): TaskRun<K> {
    this.#run ??= createTaskRun(this.app, this.spec)
    return this.#run
  }

  /** The card's model is another one: what was asked of the one before is given up. */
  protected renewRun(): void {
    this.#run?.cancel()
    this.#run = undefined
    for (const stop of this.#stop.splice(0)) stop()
    this.#explainedFor = ''
  }

  /** Shows a problem that is not a run's. */
  fail(message: string): void {
    this.run.fail({ message })
  }

  protected give(input: TaskInputs[K]) {
    loadRouteView()
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
    const knowledge = [
      this.model?.state.status,
      device?.chosen,
      link?.online,
      link?.samples,
      preferences.privacy,
    ].join()
    if (knowledge === this.#explainedFor || device === undefined) return
    this.#explainedFor = knowledge
    loadRouteView()
    this.run.explain()
  }

  /** Is this the card that someone is about to use? */
  protected isUsed(): boolean {
    return this.solo || this.spec.id === 'digits' || this.run.state.status !== 'idle'
  }

  protected get model(): ModelEntry | undefined {
    return this.app.state.models?.find(({ name }) => name === this.spec.model)
  }

  override render() {
    const { spec } = this
    const { route: answered, explanation, status } = this.run.state
    // What was measured after the answer is in the app's list.
    const route = answered && (this.app.state.routes.find(({ id }) => id === answered.id) ?? answered)
    return html`<section class="card" aria-labelledby="title" aria-busy=${status === 'running' ? 'true' : 'false'}>
      <header>
        <h2 id="title"><a href="#/task/${spec.id}">${taskTitles()[spec.id]}</a></h2>
        ${modelStatus(this.model, this.app.state)}
      </header>
      <p class="muted small hint">${taskHints()[spec.id]}</p>
      ${this.renderBody()}
      <div aria-live="polite">${runProblem(this.run)}</div>
      ${
        // Kept free from the start where there will be one, so that nothing moves when it comes.
        route || explanation || this.isUsed()
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

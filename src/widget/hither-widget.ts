import { html, LitElement, nothing } from 'lit'
import type { Privacy, RouteRecord } from '../index.ts'
import type { Written } from '../ui/answers/follow-writing.ts'
import { define } from '../ui/base/define.ts'
import { sharedStyles } from '../ui/design/shared-styles.ts'
import type { ProgressDetail, WidgetAnswer, WidgetEngine, WidgetResult } from './engine-types.ts'
import { type ErrorDetail, toErrorDetail } from './error-detail.ts'
import { toAddress } from './to-address.ts'
import { toEngineOptions } from './to-engine-options.ts'
import { toInput } from './to-input.ts'
import { WidgetError } from './widget-error.ts'
import { widgetStyles } from './widget-styles.ts'
import type { WidgetView } from './widget-view.ts'

const defaultTask = 'digits'
const inNoPage = 'The widget is in no page. Add it to the document first.'

/**
 * Where this script came from: its frame, models and endpoint are there unless `host` says otherwise. Cut by hand:
 * bundlers take `new URL(…, import.meta.url)` for a file of theirs.
 */
const scriptHost = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1)

/**
 * Runs a model in the page that embeds it: on the visitor's device when that is faster, on the endpoint when it is not.
 *
 * Nothing is loaded before it comes near what is visible, or is touched. On a page of another origin the engine lives in
 * a hidden frame of the script's host, which the page's policy allows with one `frame-src`.
 *
 * @example
 * ```html
 * <script type="module" src="https://host.example/widget.js"></script>
 * <hither-widget task="digits" privacy="any"></hither-widget>
 * ```
 *
 * @element hither-widget
 * @fires {CustomEvent<WidgetResult>} hither-result - a request was answered: `detail.answer` and `detail.route`
 * @fires {CustomEvent<RouteRecord>} hither-route - where it ran and why, beside each result
 * @fires {CustomEvent<Written>} hither-text - more of a text was written: `detail.text` is all of it so far
 * @fires {CustomEvent<ProgressDetail>} hither-progress - bytes of the model have arrived: `detail.loadedBytes`, `detail.totalBytes`
 * @fires {CustomEvent<ErrorDetail>} hither-error - a request failed, or the widget could not start: `detail.message`, `detail.code`
 * @slot - shown until the widget has loaded
 * @slot title - in the place of the task's name
 * @slot footer - below all
 * @csspart card - the frame around all
 * @csspart input - where the visitor gives something
 * @csspart answer - the answer
 * @csspart route - where it ran and why
 * @cssprop --hither-surface - background
 * @cssprop --hither-sunken - background of what lies deeper
 * @cssprop --hither-text - text
 * @cssprop --hither-muted - text of less weight
 * @cssprop --hither-line - lines
 * @cssprop --hither-line-strong - borders of what can be used
 * @cssprop --hither-edge - the colour of this device
 * @cssprop --hither-cloud - the colour of the cloud
 * @cssprop --hither-danger - problems
 * @cssprop --hither-radius - roundness of the card
 * @cssprop --hither-font - font family
 */
export class HitherWidget extends LitElement {
  static override properties = {
    task: { type: String, reflect: true },
    model: { type: String, reflect: true },
    endpoint: { type: String, reflect: true },
    privacy: { type: String, reflect: true },
    host: { type: String, reflect: true },
    theme: { type: String, reflect: true },
    answer: { attribute: false },
    route: { attribute: false },
    status: { type: String, reflect: true },
    problem: { state: true },
    view: { state: true },
  }
  static override styles = [sharedStyles, widgetStyles]

  /** What it does: `digits`, `languages`, `intents`, `faces`, `things`, `speech` or `write`. */
  declare task: string
  /** The model that answers. Default: the task's own. */
  declare model: string | undefined
  /** Address of the endpoint. Default: as `host`. Its origin must be allowed there (`--connect-to`). */
  declare endpoint: string | undefined
  /** Where requests may run: `any` (default), `prefer-edge`, `edge-only` or `cloud-only`. */
  declare privacy: Privacy | undefined
  /** Where the frame and the models are. Default: where the script came from. */
  declare host: string | undefined
  /** `light` keeps it light where the visitor prefers dark. */
  declare theme: string | undefined
  /** The last answer. */
  declare answer: WidgetAnswer | undefined
  /** The last answer's route. */
  declare route: RouteRecord | undefined
  /** `waiting` (not loaded yet), `idle`, `running` or `failed`. */
  declare status: 'waiting' | 'idle' | 'running' | 'failed'
  declare problem: ErrorDetail | undefined
  declare view: WidgetView | undefined

  #engine: Promise<WidgetEngine> | undefined
  #madeWith = ''
  #closing = new AbortController()
  #running: AbortController | undefined
  #nearing: IntersectionObserver | undefined

  constructor() {
    super()
    this.task = defaultTask
    this.status = 'waiting'
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#closing = new AbortController()
    const { signal } = this.#closing
    // It starts to load when it is nearly visible.
    const wake = () => void this.#load()
    for (const type of ['pointerdown', 'focusin'] as const) this.addEventListener(type, wake, { once: true, signal })
    this.#nearing = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) wake()
      },
      { rootMargin: '200px' },
    )
    this.#nearing.observe(this)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#nearing?.disconnect()
    this.#running?.abort()
    this.#closing.abort()
    this.#close()
  }

  protected override updated(): void {
    // Made with what has changed: what it was before is over.
    if (this.#engine && this.#madeWith !== this.#settings()) this.#close()
  }

  /** What an engine is made with; `privacy` goes with each request. */
  #settings(): string {
    return [this.task, this.model, this.endpoint, this.host].join('\n')
  }

  #close(): void {
    const engine = this.#engine
    this.#engine = undefined
    void engine?.then((made) => made.close()).catch(() => {})
  }

  async #load(): Promise<void> {
    this.#nearing?.disconnect()
    if (this.view) return
    try {
      const { createView } = await import('./widget-view.ts')
      this.view ??= createView(this)
      this.status = 'idle'
    } catch (error) {
      this.#fail(error)
    }
  }

  /** An attribute that was set just now has its effect first. Outside of a document, no update ever completes. */
  async #ready(): Promise<void> {
    if (this.isConnected) await this.updateComplete
    await this.#load()
  }

  #open(): Promise<WidgetEngine> {
    if (!this.isConnected) return Promise.reject(new WidgetError(inNoPage, 'config-invalid'))
    this.#engine ??= this.#make().catch((error: unknown) => {
      this.#engine = undefined
      throw error
    })
    return this.#engine
  }

  async #make(): Promise<WidgetEngine> {
    this.#madeWith = this.#settings()
    const host = toAddress('host', this.host || scriptHost)
    const options = toEngineOptions(this, defaultTask)
    const events = {
      onProgress: (detail: ProgressDetail) => this.#tell('hither-progress', detail),
      onState: () => {},
      onText: (written: Written) => {
        if (this.status !== 'running') return
        this.answer = written
        this.#tell('hither-text', written)
      },
      onMeasured: (route: RouteRecord) => {
        if (this.route?.id === route.id) this.route = route
      },
    }
    // On its own host's pages the workers may start right here.
    if (host.origin === globalThis.origin) return (await import('./engine.ts')).createEngine(host, options, events)
    const { openFrame } = await import('./frame-link.ts')
    return openFrame(host, options, events, this.#closing.signal)
  }

  #tell<T>(type: string, detail: T): void {
    this.dispatchEvent(new CustomEvent<T>(type, { detail, bubbles: true, composed: true }))
  }

  #fail(error: unknown): ErrorDetail {
    const problem = toErrorDetail(error)
    this.problem = problem
    this.status = 'failed'
    this.#tell('hither-error', problem)
    return problem
  }

  /**
   * Runs what is given: a text, a picture (`Blob` or `ImageBitmap`) or a sound (`Blob`), by the task. A request under
   * way is given up.
   *
   * @throws {Error} with the library's `code`; `hither-error` tells of it too
   */
  async run(input: string | Blob | ImageBitmap): Promise<WidgetResult> {
    await this.#ready()
    this.#running?.abort()
    const controller = new AbortController()
    this.#running = controller
    this.status = 'running'
    this.problem = undefined
    try {
      const engine = await this.#open()
      // An attribute that was taken away is null.
      const options = { signal: controller.signal, privacy: this.privacy || undefined }
      const result = await engine.run(toInput(this.task, input), options)
      if (!controller.signal.aborted) {
        this.answer = result.answer
        this.route = result.route
        this.status = 'idle'
        this.#tell('hither-result', result)
        this.#tell('hither-route', result.route)
      }
      return result
    } catch (error) {
      if (!controller.signal.aborted) this.#fail(error)
      throw error
    }
  }

  /** Downloads and loads the model ahead of the first request. @throws as `run` does */
  async prepare(): Promise<void> {
    await this.#ready()
    await this.#open()
      .then((engine) => engine.prepare())
      .catch((error) => {
        this.#fail(error)
        throw error
      })
  }

  /** Gives up a request under way; what was written so far stays. */
  stop(): void {
    this.#running?.abort()
    if (this.view) this.status = 'idle'
  }

  /** Forgets the answer, and gives up a request under way. */
  clear(): void {
    this.stop()
    this.answer = undefined
    this.route = undefined
    this.problem = undefined
  }

  override render() {
    const { view, problem } = this
    return html`<section class="card" part="card" aria-busy=${this.status === 'running' ? 'true' : 'false'}>
      ${
        view
          ? html`<header><h2><slot name="title">${view.title()}</slot></h2></header>
              <div class="input" part="input">${view.input()}</div>
              <div part="answer">${view.answer()}</div>
              <div part="route">${view.route()}</div>`
          : html`<slot></slot>`
      }
      <div aria-live="polite">
        ${
          problem
            ? html`<p class="problem small" data-testid="widget-error" data-code=${problem.code ?? ''}>${problem.message}</p>`
            : nothing
        }
      </div>
      <slot name="footer"></slot>
    </section>`
  }
}

define('hither-widget', HitherWidget)

declare global {
  interface HTMLElementTagNameMap {
    'hither-widget': HitherWidget
  }
  interface HTMLElementEventMap {
    'hither-result': CustomEvent<WidgetResult>
    'hither-route': CustomEvent<RouteRecord>
    'hither-text': CustomEvent<Written>
    'hither-progress': CustomEvent<ProgressDetail>
    'hither-error': CustomEvent<ErrorDetail>
  }
}

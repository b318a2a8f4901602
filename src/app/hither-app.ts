import { html, LitElement, nothing } from 'lit'
import type { PictureSource, Privacy } from '../index.ts'
import './answer-view.ts'
import { appStyles } from './app-styles.ts'
import './device-panel.ts'
import './drawing-pad.ts'
import { logo } from './icons.ts'
import './link-panel.ts'
import './model-panel.ts'
import './privacy-select.ts'
import { receivePictures } from './receive-pictures.ts'
import './route-view.ts'
import './routes-list.ts'
import './sample-strip.ts'
import type { Problem, Session } from './session.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/** How often the link's age is read again, in milliseconds. */
const linkRefreshMs = 5000

/** Longest side of a picture as the pad shows it. */
const previewSide = 512

/**
 * The page. `data-state` is idle, running, done or error; `data-runs` counts the runs that ended.
 */
export class HitherApp extends LitElement {
  static override properties = {
    session: { attribute: false },
    notices: { attribute: false },
    dragging: { state: true },
  }
  static override styles = [sharedStyles, appStyles]
  declare session: Session | undefined
  /** Sentences to show above the page. */
  declare notices: readonly string[]
  declare dragging: boolean

  #stop: (() => void)[] = []
  /** What *Run* runs; undefined means the pad. */
  #picture: PictureSource | undefined

  constructor() {
    super()
    this.notices = []
    this.dragging = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const refresh = setInterval(() => {
      if (!document.hidden) this.session?.refreshLink()
    }, linkRefreshMs)
    this.#stop.push(
      () => clearInterval(refresh),
      receivePictures(window, {
        onFile: (file) => void this.#runPicture(file),
        onNoFile: () => this.session?.fail({ message: texts.pad.noFile }),
        onDragging: (dragging) => {
          this.dragging = dragging
        },
      }),
    )
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const stop of this.#stop.splice(0)) stop()
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('session') && this.session) this.#stop.push(this.session.subscribe(() => this.requestUpdate()))
    this.dataset.state = this.session?.state.status ?? 'idle'
    this.dataset.runs = String(this.session?.state.runs ?? 0)
  }

  get #pad() {
    return this.renderRoot.querySelector('drawing-pad')
  }

  /** Runs a picture and, when it could be read, shows it on the pad. */
  async #runPicture(picture: HTMLImageElement | File): Promise<void> {
    this.#picture = picture
    this.#pad?.clear()
    const problem = await this.session?.recognise(picture)
    // Shown only now: a picture that is too large must not be decoded for its preview either.
    if (this.#picture !== picture || problem?.code?.startsWith('picture-')) return
    const resize = { resizeWidth: previewSide, resizeQuality: picture instanceof File ? 'high' : 'pixelated' } as const
    const preview = await createImageBitmap(picture, resize).catch(() => undefined)
    if (preview && this.#picture === picture) this.#pad?.show(preview)
  }

  #runPad(): void {
    this.#picture = undefined
    const canvas = this.#pad?.canvas
    if (canvas) void this.session?.recognise(canvas)
  }

  #runAgain(): void {
    if (this.#picture === undefined) this.#runPad()
    else void this.session?.recognise(this.#picture)
  }

  #clear(): void {
    this.#picture = undefined
    this.#pad?.clear()
    this.session?.reset()
  }

  #choose(event: Event): void {
    const input = event.currentTarget as HTMLInputElement
    const file = input.files?.[0]
    // The same file chosen again must count as a choice again.
    input.value = ''
    if (file) void this.#runPicture(file)
  }

  #tools() {
    return html`<div class="tools">
      <button type="button" data-testid="clear" @click=${this.#clear}>${texts.pad.clear}</button>
      <button type="button" data-testid="run" @click=${this.#runAgain}>${texts.pad.run}</button>
      <label class="button choose">
        ${texts.pad.choose}
        <input class="hidden-visually" type="file" accept="image/*" data-testid="file-input" @change=${this.#choose} />
      </label>
    </div>`
  }

  #problem(problem: Problem | undefined) {
    return html`<div class="problems" aria-live="polite">
      ${
        problem
          ? html`<p class="problem-box" data-testid="error" data-code=${problem.code ?? ''}>
              ${problem.message} ${problem.code ? html`<span class="code">${problem.code}</span>` : nothing}
            </p>`
          : nothing
      }
    </div>`
  }

  #main(session: Session) {
    const { answer, status, route, explanation, problem, routes, device, link, model, modelProblem } = session.state
    return html`<main>
      <div class="draw">
        <drawing-pad
          @stroke-start=${() => session.cancel()}
          @drawn=${this.#runPad}
        ></drawing-pad>
        ${this.#tools()} ${this.#problem(problem)}
      </div>
      <section class="card result" aria-label=${texts.answer.title}>
        <answer-view .answer=${answer} .running=${status === 'running'}></answer-view>
        <route-view .route=${route} .explanation=${explanation}></route-view>
      </section>
      <sample-strip @sample=${(event: CustomEvent<HTMLImageElement>) => this.#runPicture(event.detail)}></sample-strip>
      <div class="panels">
        <device-panel .report=${device}></device-panel>
        <link-panel .report=${link}></link-panel>
        <model-panel
          .model=${model}
          .problem=${modelProblem}
          @prepare=${() => session.prepare()}
          @remove=${() => session.remove()}
        ></model-panel>
      </div>
      <routes-list .routes=${routes}></routes-list>
    </main>`
  }

  override render() {
    const { session } = this
    return html`<header>
        <h1>${logo}Hither</h1>
        <p class="tagline muted">${texts.tagline}</p>
        ${
          session
            ? html`<privacy-select
                .privacy=${session.state.privacy}
                @privacy=${(event: CustomEvent<Privacy>) => session.setPrivacy(event.detail)}
              ></privacy-select>`
            : nothing
        }
      </header>
      ${this.notices.map((notice) => html`<p class="notice" role="alert" data-testid="notice">${notice}</p>`)}
      ${session ? this.#main(session) : nothing}
      <div class="drop" ?hidden=${!this.dragging} data-testid="drop"><p>${texts.pad.drop}</p></div>`
  }
}

customElements.define('hither-app', HitherApp)

declare global {
  interface HTMLElementTagNameMap {
    'hither-app': HitherApp
  }
}

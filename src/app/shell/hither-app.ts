import { html, nothing } from 'lit'
import { nextTask, painted } from '../../ui/base/next-task.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { logo } from '../../ui/design/page-icons.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { receiveFiles } from '../../ui/input/receive-files.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { t } from '../../ui/texts/text.ts'
import type { App } from '../state/app.ts'
import { pageFor } from './page-for-files.ts'
import { addressOf, type PageName, type Place, pageNames, pages, parsePlace } from './pages.ts'
import { shellStyles } from './shell-styles.ts'

/** How often the link's age is read again, in milliseconds. */
const linkRefreshMs = 5000

/** The shell: navigation, the page that the address names, and what concerns all pages. */
export class HitherApp extends UiElement {
  static override properties = {
    app: { attribute: false },
    notices: { attribute: false },
    place: { state: true },
    shown: { state: true },
    failed: { state: true },
    dragging: { state: true },
    newVersion: { attribute: false },
    updating: { state: true },
  }
  static override styles = [sharedStyles, shellStyles]
  declare app: App | undefined
  /** Sentences to show above the page. */
  declare notices: readonly string[]
  declare place: Place
  /** The place whose page has arrived. */
  declare shown: Place | undefined
  declare failed: boolean
  declare dragging: boolean
  /** Takes the new version that waits; undefined while there is none. */
  declare newVersion: (() => void) | undefined
  declare updating: boolean

  /** Settles once a page is shown, or could not be fetched. */
  readonly whenShown: Promise<void>
  #isShown = () => {}

  #stop: (() => void)[] = []
  /** Files that came before their page. */
  #waiting: { readonly page: PageName; readonly files: readonly File[] } | undefined

  constructor() {
    super()
    this.notices = []
    this.dragging = false
    this.failed = false
    this.place = parsePlace(location.hash)
    this.whenShown = new Promise((resolve) => {
      this.#isShown = resolve
    })
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const stop = new AbortController()
    addEventListener('hashchange', () => this.#go(), { signal: stop.signal })
    const refresh = setInterval(() => {
      if (!document.hidden) this.app?.refreshLink()
    }, linkRefreshMs)
    this.#stop.push(
      () => stop.abort(),
      () => clearInterval(refresh),
      receiveFiles(window, {
        onFiles: (files, over) => void this.take(files, over),
        onNoFile: () => {
          if (this.#models)
            this.#models.fail(t('drop.no-model', 'What was dropped is no file. Drop the .onnx file itself.'))
          else this.#home?.fail(noPicture())
        },
        onDragging: (dragging) => {
          this.dragging = dragging
        },
      }),
    )
    this.#go()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    for (const stop of this.#stop.splice(0)) stop()
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('app') && this.app) this.#stop.push(this.app.subscribe(() => this.requestUpdate()))
  }

  get #home() {
    return this.renderRoot.querySelector('home-page')
  }

  get #models() {
    return this.renderRoot.querySelector('models-page')
  }

  /** Gives models to the page of models, and anything else to the home page. The page is opened where another one is shown. */
  async take(files: readonly File[], over: readonly EventTarget[] = []): Promise<void> {
    const page = pageFor(files, this.place.page)
    const [first] = files
    if (page === 'models' && this.#models) await this.#models.take(files)
    else if (page === 'home' && this.#home && first !== undefined) {
      // One picture, text or sound is answered at a time.
      if (!(await this.#home.take(first, over))) this.#home.fail(noPicture())
    } else {
      this.#waiting = { page, files }
      location.hash = addressOf(page)
    }
  }

  /** Gives the page that has arrived what waited for it. */
  #giveWaiting(page: PageName): void {
    const waiting = this.#waiting
    if (waiting?.page !== page) return
    this.#waiting = undefined
    void this.take(waiting.files)
  }

  #go(): void {
    const place = parsePlace(location.hash)
    const isOther = place.page !== this.place.page
    this.place = place
    this.failed = false
    pages[place.page].load().then(
      async () => {
        await nextTask()
        if (this.place !== place) return
        this.shown = place
        document.title = place.page === 'home' ? 'Hither' : `${pages[place.page].title()} · Hither`
        await this.updateComplete
        await painted()
        this.#isShown()
        // What a person reads with a screen reader goes on at the new page.
        if (isOther) this.renderRoot.querySelector('main')?.focus()
        this.#giveWaiting(place.page)
      },
      () => {
        if (this.place === place) this.failed = true
        this.#isShown()
      },
    )
  }

  #navigation() {
    return html`<nav aria-label=${t('nav.label', 'Pages')}>
      ${pageNames.map((name: PageName) => {
        const { icon, title } = pages[name]
        return html`<a
          href=${addressOf(name)}
          data-testid="nav-${name}"
          aria-current=${name === this.place.page ? 'page' : nothing}
          >${icon}<span>${title()}</span></a
        >`
      })}
    </nav>`
  }

  #status() {
    const state = this.app?.state
    if (state === undefined) return nothing
    return html`${
      state.simulation === 'none'
        ? nothing
        : html`<p class="simulated" role="status" data-testid="simulated">
            ${t('shell.simulated', 'Simulated:')} <strong>${simulationName(state.simulation)}</strong>
            <button type="button" class="small" @click=${() => this.app?.change({ simulation: 'none' })}>
              ${t('shell.end-simulation', 'End it')}
            </button>
          </p>`
    }
    ${
      state.link?.online === false && state.simulation !== 'offline'
        ? html`<p class="offline" role="status" data-testid="offline">
            ${t('shell.offline', 'This device is offline. What is stored here still answers.')}
          </p>`
        : nothing
    }
    ${state.problem ? html`<p class="notice" role="alert" data-testid="notice">${problemSentence(state.problem)}</p>` : nothing}`
  }

  #update() {
    const { newVersion, updating } = this
    if (newVersion === undefined) return nothing
    return html`<p class="update" role="status" data-testid="update">
      ${
        updating
          ? t('shell.updating', 'It is taken as soon as what runs has ended.')
          : t('shell.update', 'A new version of this app is here.')
      }
      <button
        type="button"
        ?disabled=${updating}
        @click=${() => {
          this.updating = true
          newVersion()
        }}
      >
        ${t('shell.take-update', 'Use it')}
      </button>
    </p>`
  }

  #main() {
    const { app, shown, failed } = this
    if (failed) {
      return html`<p class="notice" role="alert">
        ${t('shell.page-failed', 'This page could not be fetched. Is the network there?')}
        <button type="button" @click=${() => this.#go()}>${t('shell.retry', 'Try again')}</button>
      </p>`
    }
    return app && shown ? pages[shown.page].render(app, shown.part) : nothing
  }

  override render() {
    return html`<header>
        <button type="button" class="skip" @click=${() => this.renderRoot.querySelector('main')?.focus()}>
          ${t('shell.skip', 'Skip to the page')}
        </button>
        <a class="brand" href="#/">${logo}<span>Hither</span></a>
        ${this.#navigation()}
      </header>
      ${this.notices.map((notice) => html`<p class="notice" role="alert" data-testid="notice">${notice}</p>`)}
      ${this.#status()} ${this.#update()}
      <slot></slot>
      <main id="main" tabindex="-1">${this.#main()}</main>
      <div class="drop" ?hidden=${!this.dragging} data-testid="drop">
        <p>
          ${this.place.page === 'models' ? t('drop.model', 'Drop the model to add it') : t('pad.drop', 'Drop the picture to read it')}
        </p>
      </div>`
  }
}

const noPicture = (): string =>
  t('drop.no-file', 'What was dropped is not a picture file. Save the picture first, then drop the file.')

const simulationName = (simulation: App['state']['simulation']): string =>
  ({
    none: '',
    '3g': t('simulation.3g', 'a 3G link'),
    offline: t('simulation.offline', 'offline'),
    'slow-device': t('simulation.slow-device', 'a slow device'),
  })[simulation]

customElements.define('hither-app', HitherApp)

declare global {
  interface HTMLElementTagNameMap {
    'hither-app': HitherApp
  }
}

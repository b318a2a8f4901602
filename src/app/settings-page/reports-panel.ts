import { css, html, nothing, type PropertyValues } from 'lit'
import type { ClientEvents } from '../../index.ts'
import { saveFile } from '../../ui/base/save-file.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { str, t } from '../../ui/texts/text.ts'
import type { App } from '../state/app.ts'

type OutboxState = ClientEvents['outbox']

/** Dead letters that are shown; the export has all of them. */
const shownDead = 5

interface DeadLetter {
  readonly model: string
  readonly reason: string
}

/** The reports that the endpoint refused, the newest first, out of the outbox's JSON lines. */
const readDead = (lines: string): readonly DeadLetter[] =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ reason }) => reason !== undefined)
    .map(({ report, reason }): DeadLetter => ({ model: String(report.model ?? report.kind), reason: String(reason) }))
    .reverse()

/** What waits to be reported, what was sent, dropped and refused, and what a person can do about it. */
export class ReportsPanel extends UiElement {
  static override properties = {
    app: { attribute: false },
    on: { type: Boolean },
    client: {},
    state: { state: true },
    dead: { state: true },
    busy: { state: true },
  }
  static override styles = [
    sharedStyles,
    css`
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 4px 16px;
        margin: 14px 0 0;
        font-size: 14px;
      }
      dt {
        color: var(--muted);
      }
      dd {
        margin: 0;
        text-align: right;
        white-space: nowrap;
      }
      ul {
        margin: 8px 0 0;
        padding: 0 0 0 18px;
        overflow-wrap: anywhere;
      }
      .row {
        margin-top: 12px;
      }
    `,
  ]
  declare app: App
  /** The person has not switched reporting off. */
  declare on: boolean
  /** Another text for each client that the app makes. */
  declare client: string
  declare state: OutboxState | undefined
  declare dead: readonly DeadLetter[]
  declare busy: boolean

  #stop: (() => void) | undefined

  constructor() {
    super()
    this.dead = []
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#stop?.()
    this.#stop = undefined
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('on') || changed.has('client') || this.#stop === undefined) void this.#listen()
  }

  async #listen(): Promise<void> {
    this.#stop?.()
    this.#stop = () => {}
    this.state = undefined
    if (!this.on) return
    try {
      const client = await this.app.client()
      if (!this.isConnected) return
      this.#stop()
      this.#stop = client.on('outbox', () => void this.#read())
      await this.#read()
    } catch {
      // Its script can't be fetched: there is nothing to show.
    }
  }

  async #read(): Promise<void> {
    const { outbox } = await this.app.client()
    const state = await outbox.state()
    if (!this.isConnected || !this.on) return
    this.state = state
    this.dead = state.dead === 0 ? [] : readDead(await outbox.export())
  }

  async #do(work: (outbox: Awaited<ReturnType<App['client']>>['outbox']) => Promise<void>): Promise<void> {
    this.busy = true
    try {
      await work((await this.app.client()).outbox)
      await this.#read()
    } catch {
      // As above.
    } finally {
      this.busy = false
    }
  }

  readonly #send = () => this.#do((outbox) => outbox.flush())
  readonly #forget = () => this.#do((outbox) => outbox.clear())
  readonly #export = () =>
    this.#do(async (outbox) => {
      saveFile('reports.jsonl', new Blob([await outbox.export()], { type: 'application/jsonl' }))
    })

  #dropped({ dropped }: OutboxState) {
    const { expired, full, lost } = dropped
    return expired + full + lost
  }

  override render() {
    const { state, busy } = this
    if (!this.on || state === undefined) return nothing
    const isEmpty = state.waiting + state.dead === 0
    return html`<dl data-testid="reports" aria-live="polite">
        <dt>${t('reports.waiting', 'Wait to be sent')}</dt>
        <dd data-testid="reports-waiting" data-count=${state.waiting}>
          ${state.waiting === 0 ? '0' : t('reports.bytes', str`${state.waiting} (${formatBytes(state.waitingBytes)})`)}
        </dd>
        <dt>${t('reports.sent', 'Sent from this device')}</dt>
        <dd data-testid="reports-sent" data-count=${state.sent}>${state.sent}</dd>
        <dt>${t('reports.dropped', 'Dropped: too old, too many, or lost')}</dt>
        <dd data-testid="reports-dropped">${this.#dropped(state)}</dd>
        <dt>${t('reports.refused', 'Refused by the endpoint')}</dt>
        <dd data-testid="reports-refused">${state.dropped.refused}</dd>
      </dl>
      ${
        this.dead.length === 0
          ? nothing
          : html`<ul class="small" data-testid="reports-dead">
              ${this.dead.slice(0, shownDead).map(({ model, reason }) => html`<li>${model}: <span class="muted">${reason}</span></li>`)}
            </ul>`
      }
      ${
        state.problem === undefined || state.waiting === 0
          ? nothing
          : html`<p class="small muted" data-testid="reports-problem">
              ${
                state.problem === 'reports-unwanted'
                  ? t('reports.unwanted', 'This endpoint takes no reports. It is asked again after an hour.')
                  : t('reports.later', 'They could not be sent. It is tried again, later and later.')
              }
              <span class="code">${state.problem}</span>
            </p>`
      }
      <div class="row">
        <button type="button" class="small" data-testid="reports-send" ?disabled=${busy} @click=${this.#send}>
          ${t('reports.send', 'Send now')}
        </button>
        <button type="button" class="small" data-testid="reports-export" ?disabled=${busy || isEmpty} @click=${this.#export}>
          ${t('reports.export', 'Export')}
        </button>
        <button type="button" class="small" data-testid="reports-forget" ?disabled=${busy || isEmpty} @click=${this.#forget}>
          ${t('reports.forget', 'Forget them')}
        </button>
      </div>`
  }
}

customElements.define('reports-panel', ReportsPanel)

declare global {
  interface HTMLElementTagNameMap {
    'reports-panel': ReportsPanel
  }
}

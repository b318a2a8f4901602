import { css, html, nothing } from 'lit'
import type { LinkReport } from '../../index.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatBitRate } from '../../ui/design/format-rate.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { formatAge } from '../../ui/texts/format-age.ts'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { str, t } from '../../ui/texts/text.ts'
import { AppPage } from '../page/app-page.ts'
import { pageStyles } from '../page/page-styles.ts'
import { type Problem, toProblem } from '../state/problem.ts'
import './backends-panel.ts'
import './link-chart.ts'

/** This device and its link, as measured. */
export class DevicePage extends AppPage {
  static override properties = { ...AppPage.properties, measuring: { state: true }, problem: { state: true } }
  static override styles = [
    sharedStyles,
    pageStyles,
    css`
      .empty {
        padding: 24px 0;
      }
      dl {
        margin-bottom: 16px;
      }
      .sure {
        display: block;
        color: var(--muted);
        font-size: 13px;
        line-height: 18px;
      }
    `,
  ]
  declare measuring: boolean
  declare problem: Problem | undefined

  override connectedCallback(): void {
    super.connectedCallback()
    this.measuring = false
    // A link that nobody asked about for a while is measured when someone looks at it.
    void this.app
      .client()
      .then((client) => client.refresh('digits', { privacy: 'any' }))
      .catch(() => {})
  }

  readonly #measure = async () => {
    this.measuring = true
    this.problem = undefined
    try {
      await (await this.app.client()).measure()
    } catch (error) {
      this.problem = toProblem(error)
    } finally {
      this.measuring = false
    }
  }

  #figure(value: number | undefined, spread: readonly [number, number] | undefined, format: (value: number) => string) {
    if (value === undefined) return html`${t('link.none', 'not measured yet')}`
    return html`${format(value)}${
      spread === undefined
        ? nothing
        : html`<span class="sure">${t('link.sure', str`9 in 10 between ${format(spread[0])} and ${format(spread[1])}`)}</span>`
    }`
  }

  #link(link: LinkReport) {
    const { online, saveData, samples, ageMs, likely } = link
    const status = [
      online ? t('link.online', 'online') : t('link.offline', 'offline'),
      ...(saveData ? [t('link.save-data', 'saving data')] : []),
    ]
    return html`<dl data-testid="link-panel">
      <dt>${t('link.status', 'Status')}</dt>
      <dd>${status.join(', ')}</dd>
      <dt>${t('link.round-trip', 'Round trip')}</dt>
      <dd>${this.#figure(link.roundTripMs, likely?.roundTripMs, formatMs)}</dd>
      <dt>${t('link.up', 'Up')}</dt>
      <dd>${this.#figure(link.uplinkBitsPerSecond, likely?.uplinkBitsPerSecond, formatBitRate)}</dd>
      <dt>${t('link.down', 'Down')}</dt>
      <dd>${this.#figure(link.downlinkBitsPerSecond, likely?.downlinkBitsPerSecond, formatBitRate)}</dd>
      <dt>${t('link.basis', 'Rests on')}</dt>
      <dd>${
        samples === 0
          ? t('link.none', 'not measured yet')
          : samples === 1
            ? t('link.sample', str`1 sample, ${formatAge(ageMs ?? 0)}`)
            : t('link.samples', str`${samples} samples, the newest ${formatAge(ageMs ?? 0)}`)
      }</dd>
    </dl>`
  }

  override render() {
    const { device, link } = this.app.state
    const moments = this.app.history.list()
    return html`<div class="head">
        <div>
          <h1>${t('nav.device', 'Device')}</h1>
          <p class="muted">${t('device.lead', 'What this device and its link can do, measured here and now.')}</p>
        </div>
        <button type="button" data-testid="measure" ?disabled=${this.measuring} @click=${this.#measure}>
          ${this.measuring ? t('device.measuring', 'Measuring…') : t('device.measure', 'Measure again')}
        </button>
      </div>
      ${this.problem ? html`<p class="problem-box" role="alert">${problemSentence(this.problem)}</p>` : nothing}
      <div class="grid two">
        <section class="card">
          <div class="head"><h2>${t('device.title', 'This device')}</h2></div>
          <backends-panel .report=${device}></backends-panel>
        </section>
        <section class="card">
          <div class="head"><h2>${t('link.title', 'This link')}</h2></div>
          ${link ? this.#link(link) : nothing}
          ${
            moments.length === 0
              ? html`<p class="empty muted">${t('link.no-history', 'The first measurements show here.')}</p>`
              : html`<link-chart .moments=${moments} .count=${moments.length}></link-chart>`
          }
        </section>
      </div>`
  }
}

customElements.define('device-page', DevicePage)

declare global {
  interface HTMLElementTagNameMap {
    'device-page': DevicePage
  }
}

import { css, html, LitElement } from 'lit'
import type { LinkReport } from '../index.ts'
import { formatAge, formatMs } from './format-ms.ts'
import { formatBitRate } from './format-rate.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/** The link to the endpoint as measured. */
export class LinkPanel extends LitElement {
  static override properties = { report: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      dl {
        margin-top: 12px;
      }
      .dot {
        display: inline-block;
        width: 8px;
        height: 8px;
        margin-right: 8px;
        background: var(--edge);
        border-radius: 50%;
      }
      .offline .dot {
        background: var(--danger);
      }
    `,
  ]
  declare report: LinkReport

  override render() {
    const { online, saveData, roundTripMs, uplinkBitsPerSecond, downlinkBitsPerSecond, samples, ageMs } = this.report
    const none = html`<span class="muted">${texts.link.none}</span>`
    const rate = (value: number | undefined) => (value === undefined ? none : formatBitRate(value))
    return html`<section class="card" data-testid="link-panel" data-online=${online}>
      <h2>${texts.link.title}</h2>
      <dl>
        <dt>${texts.link.status}</dt>
        <dd class=${online ? 'online' : 'offline'}>
          <span class="dot"></span>${online ? texts.link.online : texts.link.offline}${saveData ? `, ${texts.link.saveData}` : ''}
        </dd>
        <dt>${texts.link.roundTrip}</dt>
        <dd>${roundTripMs === undefined ? none : formatMs(roundTripMs)}</dd>
        <dt>${texts.link.up}</dt>
        <dd>${rate(uplinkBitsPerSecond)}</dd>
        <dt>${texts.link.down}</dt>
        <dd>${rate(downlinkBitsPerSecond)}</dd>
        <dt>${texts.link.basis}</dt>
        <dd>${samples === 0 ? none : texts.link.samples(samples, formatAge(ageMs ?? 0))}</dd>
      </dl>
    </section>`
  }
}

customElements.define('link-panel', LinkPanel)

declare global {
  interface HTMLElementTagNameMap {
    'link-panel': LinkPanel
  }
}

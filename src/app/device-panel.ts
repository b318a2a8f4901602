import { css, html, LitElement } from 'lit'
import type { BackendMeasurement, DeviceReport } from '../index.ts'
import { cssVariables } from './css-variables.ts'
import { formatMs } from './format-ms.ts'
import { formatMacRate } from './format-rate.ts'
import { sharedStyles } from './shared-styles.ts'
import { texts } from './texts.ts'

/** This device as measured: each backend's speed, the one in use, threads and isolation. */
export class DevicePanel extends LitElement {
  static override properties = { report: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      ul {
        margin: 12px 0 16px;
        padding: 0 0 16px;
        list-style: none;
        border-bottom: 1px solid var(--line);
      }
      li + li {
        margin-top: 12px;
      }
      .line {
        display: flex;
        gap: 8px;
        align-items: baseline;
      }
      .line > :last-child {
        margin-left: auto;
        text-align: right;
      }
      strong {
        font-weight: 600;
      }
      .chosen {
        padding: 1px 8px;
        font-size: 12px;
        color: var(--edge);
        background: var(--edge-soft);
        border-radius: 99px;
      }
      .track {
        height: 4px;
        margin: 4px 0;
        overflow: hidden;
        background: var(--sunken);
        border-radius: 2px;
      }
      .bar {
        height: 100%;
        width: max(2px, calc(var(--share) * 100%));
        background: var(--line-strong);
        border-radius: 2px;
      }
      .in-use .bar {
        background: var(--edge);
      }
      .detail {
        overflow-wrap: anywhere;
      }
      .none {
        margin: 12px 0;
      }
    `,
  ]
  declare report: DeviceReport

  #backend(measured: BackendMeasurement, fastest: number) {
    const { backend, status, macsPerSecond, overheadMs, software, detail } = measured
    const oneThread = backend === 'wasm' && measured.threads === 1 && this.report.backends[0] !== measured
    const inUse =
      this.report.chosen === backend && (backend !== 'wasm' || this.report.threads === (measured.threads ?? 1))
    const figure = status === 'measured' ? formatMacRate(macsPerSecond ?? Number.NaN) : texts.device[status]
    const notes = [
      software ? texts.device.software : undefined,
      detail,
      overheadMs === undefined ? undefined : texts.device.overhead(formatMs(overheadMs)),
    ]
    return html`<li class=${inUse ? 'in-use' : ''} data-testid="backend-${backend}${oneThread ? '-1' : ''}" data-status=${status}>
      <div class="line">
        <strong>${texts.backend[backend]}${oneThread ? texts.device.oneThread : ''}</strong>
        ${inUse ? html`<span class="chosen">${texts.device.chosen}</span>` : ''}
        <span class=${status === 'measured' ? '' : 'muted'}>${figure}</span>
      </div>
      ${
        status === 'measured'
          ? html`<div class="track"><div class="bar" ${cssVariables({ '--share': (macsPerSecond ?? 0) / fastest })}></div></div>`
          : ''
      }
      <p class="detail small muted">${notes.filter(Boolean).join(' · ')}</p>
    </li>`
  }

  override render() {
    const { backends, threads, hardwareConcurrency, crossOriginIsolated } = this.report
    const fastest = Math.max(1, ...backends.map(({ macsPerSecond }) => macsPerSecond ?? 0))
    return html`<section class="card" data-testid="device-panel" data-chosen=${this.report.chosen ?? ''}>
      <h2>${texts.device.title}</h2>
      ${
        backends.length === 0
          ? html`<p class="none muted">${texts.device.measuring}</p>`
          : html`<ul aria-label=${texts.device.speed}>${backends.map((each) => this.#backend(each, fastest))}</ul>`
      }
      <dl>
        <dt>${texts.device.threads}</dt>
        <dd>${threads ?? '–'}</dd>
        <dt>${texts.device.cores}</dt>
        <dd>${hardwareConcurrency}</dd>
        <dt>${texts.device.isolated}</dt>
        <dd>${crossOriginIsolated ? texts.device.yes : texts.device.no}</dd>
      </dl>
    </section>`
  }
}

customElements.define('device-panel', DevicePanel)

declare global {
  interface HTMLElementTagNameMap {
    'device-panel': DevicePanel
  }
}

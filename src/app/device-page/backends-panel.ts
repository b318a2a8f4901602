import { css, html, nothing } from 'lit'
import type { Backend, BackendMeasurement, DeviceReport } from '../../index.ts'
import { UiElement } from '../../ui/base/ui-element.ts'
import { cssVariables } from '../../ui/design/css-variables.ts'
import { formatBytes } from '../../ui/design/format-bytes.ts'
import { formatMs } from '../../ui/design/format-ms.ts'
import { formatMacRate } from '../../ui/design/format-rate.ts'
import { sharedStyles } from '../../ui/design/shared-styles.ts'
import { backendName } from '../../ui/texts/names.ts'
import { str, t } from '../../ui/texts/text.ts'

/** This device as measured: each backend's speed, the one in use, threads, memory and isolation. */
export class BackendsPanel extends UiElement {
  static override properties = { report: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      ul {
        margin: 0 0 16px;
        padding: 0 0 16px;
        list-style: none;
        border-bottom: 1px solid var(--line);
      }
      li + li {
        margin-top: 14px;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
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
        flex: none;
        padding: 1px 8px;
        font-size: 12px;
        color: var(--edge);
        background: var(--edge-soft);
        border-radius: 99px;
      }
      .track {
        height: 6px;
        margin: 5px 0;
        overflow: hidden;
        background: var(--sunken);
        border-radius: 3px;
      }
      .bar {
        height: 100%;
        width: max(3px, calc(var(--share) * 100%));
        background: var(--line-strong);
        border-radius: 3px;
      }
      .in-use .bar {
        background: var(--edge);
      }
      .detail {
        overflow-wrap: anywhere;
      }
    `,
  ]
  declare report: DeviceReport | undefined

  #backend(report: DeviceReport, measured: BackendMeasurement, fastest: number) {
    const { backend, status, macsPerSecond, overheadMs, software, detail, threads } = measured
    const isFirst = report.backends.find((each) => each.backend === backend) === measured
    const oneThread = backend === 'wasm' && threads === 1 && !isFirst
    const inUse = report.chosen === backend && (backend !== 'wasm' || report.threads === (threads ?? 1))
    const figure =
      status === 'measured'
        ? formatMacRate(macsPerSecond ?? Number.NaN)
        : status === 'absent'
          ? t('device.absent', 'not in this browser')
          : t('device.failed', 'failed')
    const notes = [
      software === true ? t('device.software', 'software adapter') : undefined,
      status === 'absent' ? absentText(backend) : detail,
      overheadMs === undefined ? undefined : t('device.overhead', str`${formatMs(overheadMs)} to start a run`),
    ]
    return html`<li class=${inUse ? 'in-use' : ''} data-testid="backend-${backend}${oneThread ? '-1' : ''}" data-status=${status}>
      <div class="line">
        <strong>${backendName(backend)}${oneThread ? t('device.one-thread', ', 1 thread') : ''}</strong>
        ${inUse ? html`<span class="chosen">${t('device.chosen', 'in use')}</span>` : nothing}
        <span class=${status === 'measured' ? '' : 'muted'}>${figure}</span>
      </div>
      ${
        status === 'measured'
          ? html`<div class="track drawn" aria-hidden="true"><div class="bar" ${cssVariables({ '--share': (macsPerSecond ?? 0) / fastest })}></div></div>`
          : nothing
      }
      <p class="detail small muted">${notes.filter(Boolean).join(' · ')}</p>
    </li>`
  }

  override render() {
    const { report } = this
    if (report === undefined || report.backends.length === 0) {
      return html`<p class="muted" data-testid="device-panel" data-chosen="">${t('device.unmeasured', 'Not measured yet.')}</p>`
    }
    const { backends, threads, hardwareConcurrency, crossOriginIsolated, memory } = report
    const fastest = Math.max(1, ...backends.map(({ macsPerSecond }) => macsPerSecond ?? 0))
    return html`<div data-testid="device-panel" data-chosen=${report.chosen ?? ''}>
      <ul aria-label=${t('device.speed', 'Speed of each backend')}>
        ${backends.map((each) => this.#backend(report, each, fastest))}
      </ul>
      <dl>
        <dt>${t('device.threads', 'Threads')}</dt>
        <dd>${threads ?? '–'}</dd>
        <dt>${t('device.cores', 'Processor cores')}</dt>
        <dd>${hardwareConcurrency}</dd>
        ${
          memory === undefined
            ? nothing
            : html`<dt>${t('device.memory', 'Memory for models')}</dt>
              <dd>${t('device.memory-used', str`${formatBytes(memory.usedBytes)} of ${formatBytes(memory.budgetBytes)}`)}</dd>`
        }
        <dt>${t('device.isolated', 'Cross-origin isolated')}</dt>
        <dd>${crossOriginIsolated ? t('device.yes', 'yes') : t('device.no', 'no, so one thread')}</dd>
      </dl>
    </div>`
  }
}

/** Why a browser's backend is not there. */
function absentText(backend: Backend): string | undefined {
  if (backend === 'webgpu') return t('device.no-webgpu', 'this browser gives no WebGPU adapter')
  if (backend === 'webnn') return t('device.no-webnn', 'this browser has no WebNN, or no device for it')
  return undefined
}

customElements.define('backends-panel', BackendsPanel)

declare global {
  interface HTMLElementTagNameMap {
    'backends-panel': BackendsPanel
  }
}

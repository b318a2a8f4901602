import { css, html } from 'lit'
import type { Arm, Prediction, RouteKnowledge, RouteOther } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { cssVariables } from '../design/css-variables.ts'
import { formatMs } from '../design/format-ms.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { armName } from '../texts/names.ts'
import { str, t } from '../texts/text.ts'

/** What each arm was predicted to take: a bar to the mean, a whisker to the 90th percentile, a mark where it ended. */
export class PredictionChart extends UiElement {
  static override properties = {
    predicted: { attribute: false },
    ran: { attribute: false },
    actualMs: { attribute: false },
    known: { attribute: false },
    other: { attribute: false },
  }
  static override styles = [
    sharedStyles,
    css`
      .row {
        display: grid;
        grid-template-columns: 52px 1fr;
        column-gap: 12px;
        align-items: center;
      }
      .row + .row {
        margin-top: 10px;
      }
      .name {
        font-weight: 600;
      }
      .edge {
        --colour: var(--edge);
      }
      .cloud {
        --colour: var(--cloud);
      }
      .name {
        color: var(--colour);
      }
      .track {
        position: relative;
        height: 12px;
        background: var(--sunken);
        border-radius: 4px;
      }
      .mean,
      .whisker,
      .actual {
        position: absolute;
        left: 0;
      }
      .mean {
        inset-block: 0;
        width: max(3px, calc(var(--mean) * 100%));
        background: var(--colour);
        border-radius: 4px;
        opacity: 0.85;
      }
      .whisker {
        top: 5px;
        height: 2px;
        left: calc(var(--mean) * 100%);
        width: calc((var(--p90) - var(--mean)) * 100%);
        background: var(--colour);
      }
      .whisker::after {
        content: '';
        position: absolute;
        right: 0;
        top: -3px;
        width: 2px;
        height: 8px;
        background: var(--colour);
      }
      .actual {
        inset-block: -4px;
        left: calc(var(--actual) * 100% - 1px);
        width: 2px;
        background: var(--text);
        border-radius: 1px;
      }
      .figures {
        grid-column: 2;
        margin-top: 2px;
      }
      .figures strong {
        font-weight: 600;
        color: var(--text);
      }
    `,
  ]
  declare predicted: { readonly edge?: Prediction; readonly cloud?: Prediction }
  declare ran: Arm | undefined
  declare actualMs: number | undefined
  /** What the predictions rest on. */
  declare known: RouteKnowledge | undefined
  /** What the arm that did not answer would have taken, where that was measured. */
  declare other: RouteOther | undefined

  constructor() {
    super()
    this.predicted = {}
  }

  /** A part of what was predicted for this arm was assumed and not measured. */
  #isAssumed(arm: Arm): boolean {
    const { known } = this
    if (known === undefined) return false
    return arm === 'edge' ? known.edgeMeasured === false : known.links.every(({ measured }) => measured === false)
  }

  /** When the model was ready here, if that was after the cloud had answered. */
  #readyMs(arm: Arm): number | undefined {
    return this.other?.arm === arm && this.other.known === 'when-ready' ? this.other.ms : undefined
  }

  #row(arm: Arm, longestMs: number) {
    const prediction = this.predicted[arm]
    const readyMs = this.#readyMs(arm)
    const actualMs = this.ran === arm ? this.actualMs : readyMs
    const share = (ms: number) => (longestMs > 0 ? ms / longestMs : 0)
    return html`<div class="row ${arm}" data-testid="predicted-${arm}" data-mean-ms=${prediction?.meanMs ?? ''}>
      <span class="name">${armName(arm)}</span>
      <div class="track drawn" aria-hidden="true">
        ${
          prediction &&
          html`<div class="mean" ${cssVariables({ '--mean': share(prediction.meanMs) })}></div>
            <div
              class="whisker"
              ?hidden=${prediction.p90Ms <= prediction.meanMs}
              ${cssVariables({ '--mean': share(prediction.meanMs), '--p90': share(prediction.p90Ms) })}
            ></div>`
        }
        ${actualMs === undefined ? '' : html`<div class="actual" ${cssVariables({ '--actual': share(actualMs) })}></div>`}
      </div>
      <p class="figures small muted">
        ${
          prediction
            ? html`<strong>${formatMs(prediction.meanMs)}</strong>, ${t('why.p90', str`9 in 10 under ${formatMs(prediction.p90Ms)}`)}${
                this.#isAssumed(arm) ? html` (${t('why.assumed', 'partly assumed, not measured yet')})` : ''
              }`
            : t('why.unknown', 'cannot be predicted yet')
        }${
          readyMs !== undefined
            ? html`; <strong data-testid="ready-${arm}">${t('why.ready', str`measured since: ${formatMs(readyMs)}`)}</strong>`
            : actualMs === undefined
              ? ''
              : html`; <strong>${t('why.took', str`took ${formatMs(actualMs)}`)}</strong>`
        }
      </p>
    </div>`
  }

  override render() {
    const { edge, cloud } = this.predicted
    const ends = [edge?.meanMs, edge?.p90Ms, cloud?.meanMs, cloud?.p90Ms, this.actualMs, this.#readyMs('edge')]
    const longestMs = Math.max(0, ...ends.filter((ms) => ms !== undefined && Number.isFinite(ms)).map(Number))
    return html`${this.#row('edge', longestMs)}${this.#row('cloud', longestMs)}`
  }
}

define('hither-prediction', PredictionChart)

declare global {
  interface HTMLElementTagNameMap {
    'hither-prediction': PredictionChart
  }
}

import { css, html } from 'lit'
import type { Classification } from '../../index.ts'
import { define } from '../base/define.ts'
import { LaterElement } from '../base/ui-element.ts'
import { cssVariables } from '../design/css-variables.ts'
import { formatPercent } from '../design/format-percent.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'

const digits = Array.from({ length: 10 }, (_, digit) => String(digit))

/** The answer, large, beside the probability of each digit. */
export class DigitAnswer extends LaterElement {
  static override properties = { answer: { attribute: false }, running: { type: Boolean } }
  static override styles = [
    sharedStyles,
    css`
      :host {
        min-height: calc(clamp(72px, 9vw, 104px) + 24px);
      }
      .answer {
        display: grid;
        grid-template-columns: minmax(76px, auto) 1fr;
        align-items: end;
        gap: clamp(12px, 2.5vw, 24px);
      }
      .label {
        font-size: clamp(72px, 10vw, 112px);
        font-weight: 600;
        line-height: 0.9;
        letter-spacing: -0.04em;
        text-align: center;
        transition: opacity 160ms;
      }
      .sure {
        margin-top: 12px;
        text-align: center;
        color: var(--muted);
      }
      .stale {
        opacity: 0.35;
      }
      .none {
        color: var(--line-strong);
      }
      ol {
        display: grid;
        grid-template-columns: repeat(10, 1fr);
        gap: clamp(3px, 0.8vw, 8px);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-rows: clamp(72px, 9vw, 104px) 24px;
        text-align: center;
        color: var(--muted);
      }
      .track {
        position: relative;
        overflow: hidden;
        background: var(--sunken);
        border-radius: 5px;
      }
      .bar {
        position: absolute;
        inset: 0;
        background: var(--line-strong);
        transform: translateY(calc((1 - var(--share)) * 100%));
        transition: transform 240ms cubic-bezier(0.2, 0.8, 0.2, 1);
      }
      .best {
        color: var(--text);
        font-weight: 600;
      }
      .best .bar {
        background: var(--text);
      }
      .digit {
        align-self: end;
      }
    `,
  ]
  declare answer: Classification | undefined
  declare running: boolean

  override render() {
    const { answer, running } = this
    const shares = new Map(answer?.classes.map(({ label, probability }) => [label, probability]))
    const percent = answer ? formatPercent(answer.probability) : ''
    return html`<div class="answer">
      <div>
        <div
          class="label ${running ? 'stale' : ''} ${answer ? '' : 'none'}"
          data-testid="answer"
          aria-hidden="true"
        >${answer?.label ?? '–'}</div>
        <p class="sure small" aria-hidden="true">${running ? t('answer.running', 'Reading…') : percent || '\u00a0'}</p>
        <p class="hidden-visually" role="status">
          ${running || !answer ? '' : t('answer.is', str`It is a ${answer.label}, ${percent} sure.`)}
        </p>
      </div>
      <ol aria-label=${t('answer.chart', 'Probability of each digit')}>
        ${digits.map((digit) => {
          const share = shares.get(digit)
          return html`<li
            class=${answer?.label === digit ? 'best' : ''}
            data-testid="probability-${digit}"
            data-probability=${share ?? ''}
            title=${share === undefined ? '' : formatPercent(share)}
          >
            <div class="track drawn"><div class="bar" ${cssVariables({ '--share': share ?? 0 })}></div></div>
            <span class="digit">${digit}<span class="hidden-visually">${share === undefined ? '' : `: ${formatPercent(share)}`}</span></span>
          </li>`
        })}
      </ol>
    </div>`
  }
}

define('hither-answer', DigitAnswer)

declare global {
  interface HTMLElementTagNameMap {
    'hither-answer': DigitAnswer
  }
}

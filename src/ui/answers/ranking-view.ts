import { css, html, nothing } from 'lit'
import type { Classification } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { cssVariables } from '../design/css-variables.ts'
import { formatPercent } from '../design/format-percent.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { t } from '../texts/text.ts'

/** Classes that are shown; the rest is next to nothing. */
const shownClasses = 4

/** The most likely classes, each with a bar. */
export class RankingView extends UiElement {
  static override properties = {
    answer: { attribute: false },
    running: { type: Boolean },
    nameOf: { attribute: false },
  }
  static override styles = [
    sharedStyles,
    css`
      .best {
        font-size: 28px;
        font-weight: 600;
        line-height: 36px;
        letter-spacing: -0.02em;
        overflow-wrap: anywhere;
        transition: opacity 160ms;
      }
      .best::first-letter {
        text-transform: uppercase;
      }
      .none {
        color: var(--muted);
        font-weight: 400;
      }
      .stale {
        opacity: 0.35;
      }
      ol {
        display: grid;
        gap: 6px;
        margin: 10px 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 40%) 1fr 56px;
        gap: 10px;
        align-items: center;
      }
      .name {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .track {
        height: 8px;
        background: var(--sunken);
        border-radius: 4px;
      }
      .bar {
        width: max(2px, calc(var(--share) * 100%));
        height: 100%;
        background: var(--line-strong);
        border-radius: 4px;
        transition: width 240ms cubic-bezier(0.2, 0.8, 0.2, 1);
      }
      li:first-child .bar {
        background: var(--text);
      }
      .share {
        text-align: right;
      }
    `,
  ]
  declare answer: Classification | undefined
  declare running: boolean
  /** A label as people read it. */
  declare nameOf: (label: string) => string

  constructor() {
    super()
    this.nameOf = (label) => label
  }

  override render() {
    const { answer, running, nameOf } = this
    const classes = answer?.classes.slice(0, shownClasses) ?? []
    return html`<div>
      <p class="best ${running ? 'stale' : ''} ${answer ? '' : 'none'}" data-testid="answer" role="status">
        ${answer ? nameOf(answer.label) : '–'}
      </p>
      <ol aria-label=${t('ranking.chart', 'Most likely')}>
        ${classes.map(
          ({ label, probability }) => html`<li class="small" data-label=${label}>
            <span class="name">${nameOf(label)}</span>
            <div class="track drawn" aria-hidden="true"><div class="bar" ${cssVariables({ '--share': probability })}></div></div>
            <span class="share muted">${formatPercent(probability)}</span>
          </li>`,
        )}
      </ol>
      ${answer && classes.length === 0 ? html`<p class="muted">${t('ranking.none', 'Nothing stands out.')}</p>` : nothing}
    </div>`
  }
}

define('hither-ranking', RankingView)

declare global {
  interface HTMLElementTagNameMap {
    'hither-ranking': RankingView
  }
}

import { css, html } from 'lit'
import type { RouteParts, RouteRecord } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { cssVariables } from '../design/css-variables.ts'
import { formatMs } from '../design/format-ms.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { t } from '../texts/text.ts'
import { splitParts } from './split-parts.ts'

const partNames = (): Record<keyof RouteParts | 'otherMs', string> => ({
  prepareMs: t('part.prepare', 'prepare'),
  queueMs: t('part.queue', 'wait'),
  uploadMs: t('part.upload', 'upload'),
  computeMs: t('part.compute', 'compute'),
  downloadMs: t('part.download', 'download'),
  otherMs: t('part.other', 'other'),
})

/** Where a request's time went: one stacked bar, and each part's figure. */
export class TimeParts extends UiElement {
  static override properties = { route: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      .bar {
        display: flex;
        gap: 2px;
        height: 12px;
        margin: 8px 0;
        overflow: hidden;
        border-radius: 4px;
      }
      .bar div {
        flex: var(--share) 1 0;
        min-width: 2px;
      }
      .bar div,
      i {
        background: var(--colour);
      }
      .prepareMs {
        --colour: color-mix(in srgb, var(--text) 55%, var(--surface));
      }
      .queueMs {
        --colour: color-mix(in srgb, var(--warn) 70%, var(--surface));
      }
      .uploadMs {
        --colour: color-mix(in srgb, var(--cloud) 55%, var(--surface));
      }
      .computeMs {
        --colour: var(--edge);
      }
      .cloud .computeMs {
        --colour: var(--cloud);
      }
      .downloadMs {
        --colour: color-mix(in srgb, var(--cloud) 85%, var(--surface));
      }
      .otherMs {
        --colour: var(--line-strong);
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      i {
        display: inline-block;
        width: 8px;
        height: 8px;
        margin-right: 6px;
        border-radius: 2px;
      }
    `,
  ]
  declare route: RouteRecord

  override render() {
    const parts = splitParts(this.route.parts, this.route.actualMs)
    if (parts.length === 0) return ''
    const names = partNames()
    const { ran } = this.route
    return html`<h2>${t('why.parts', 'Where the time went')}</h2>
      <div class="bar drawn ${ran}" aria-hidden="true">
        ${parts.map(({ name, share }) => html`<div class=${name} ${cssVariables({ '--share': share })}></div>`)}
      </div>
      <ul class="small ${ran}">
        ${parts.map(
          ({ name, ms }) =>
            html`<li class=${name}><i class="drawn"></i><span class="muted">${names[name]}</span> ${formatMs(ms)}</li>`,
        )}
      </ul>`
  }
}

define('hither-parts', TimeParts)

declare global {
  interface HTMLElementTagNameMap {
    'hither-parts': TimeParts
  }
}

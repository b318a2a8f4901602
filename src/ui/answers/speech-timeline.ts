import { css, html, nothing, svg } from 'lit'
import type { SoundSegment } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'

/** Speech in a sound, as far as it was heard. */
export interface Speech {
  readonly windowMs: number
  /** For each window, how likely it is that somebody speaks. */
  readonly probabilities: ArrayLike<number>
  readonly segments: readonly SoundSegment[]
  /** Somebody speaks now; only while a microphone is heard. */
  readonly active?: boolean
}

const width = 600
const height = 72
/** A line of more points would only be drawn over itself. */
const mostPoints = 600

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)}\u00a0s`

/** Where in a sound somebody speaks: the probability over time, and the stretches of speech. */
export class SpeechTimeline extends UiElement {
  static override properties = { speech: { attribute: false } }
  static override styles = [
    sharedStyles,
    css`
      svg {
        display: block;
        width: 100%;
        height: 88px;
        overflow: visible;
        background: var(--sunken);
        border-radius: var(--radius-small);
      }
      .area {
        fill: color-mix(in srgb, var(--edge) 28%, transparent);
        stroke: var(--edge);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .segment {
        fill: var(--text);
      }
      .axis {
        display: flex;
        justify-content: space-between;
        margin-top: 4px;
      }
      .summary {
        margin-top: 8px;
        font-size: 17px;
        font-weight: 600;
      }
    `,
  ]
  declare speech: Speech | undefined

  #line({ probabilities }: Speech): string {
    const step = Math.max(1, Math.ceil(probabilities.length / mostPoints))
    const points = [`0,${height}`]
    for (let from = 0; from < probabilities.length; from += step) {
      let most = 0
      for (let index = from; index < Math.min(from + step, probabilities.length); index += 1) {
        most = Math.max(most, probabilities[index] ?? 0)
      }
      const x = ((from + step / 2) / probabilities.length) * width
      points.push(`${x.toFixed(1)},${((1 - most) * (height - 4) + 2).toFixed(1)}`)
    }
    return [...points, `${width},${height}`].join(' ')
  }

  override render() {
    const { speech } = this
    if (speech === undefined) return nothing
    const { segments, windowMs, probabilities, active } = speech
    const lengthMs = Math.max(1, windowMs * probabilities.length)
    const spokenMs = segments.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)
    const summary =
      active === true
        ? t('speech.now', 'Somebody speaks.')
        : segments.length === 0
          ? t('speech.none', 'Nobody spoke.')
          : t('speech.total', str`${seconds(spokenMs)} of speech in ${seconds(lengthMs)}`)
    return html`<svg viewBox="0 0 ${width} 88" preserveAspectRatio="none" role="img" aria-label=${summary}>
        <polygon class="area" points=${this.#line(speech)} />
        ${segments.map(
          ({ startMs, endMs }) =>
            svg`<rect class="segment" data-testid="segment" x=${(startMs / lengthMs) * width} width=${Math.max(1, ((endMs - startMs) / lengthMs) * width)} y="78" height="5" rx="2.5" />`,
        )}
      </svg>
      <p class="axis small muted" aria-hidden="true"><span>0 s</span><span>${seconds(lengthMs)}</span></p>
      <p class="summary" role="status" data-testid="answer">${summary}</p>`
  }
}

define('hither-timeline', SpeechTimeline)

declare global {
  interface HTMLElementTagNameMap {
    'hither-timeline': SpeechTimeline
  }
}

import { css, html, nothing, type PropertyValues } from 'lit'
import type { Detections } from '../../index.ts'
import { define } from '../base/define.ts'
import { UiElement } from '../base/ui-element.ts'
import { cssVariables } from '../design/css-variables.ts'
import { formatPercent } from '../design/format-percent.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { str, t } from '../texts/text.ts'

/**
 * A picture, or a moving one, with boxes around what was found in it.
 *
 * @slot - what is shown while there is no picture
 */
export class PictureFinds extends UiElement {
  static override properties = {
    picture: { attribute: false },
    camera: { attribute: false },
    finds: { attribute: false },
    nameOf: { attribute: false },
  }
  static override styles = [
    sharedStyles,
    css`
      .frame {
        position: relative;
        display: grid;
        min-height: 200px;
        overflow: hidden;
        background: var(--sunken);
        border: 1px solid var(--line);
        border-radius: var(--radius);
      }
      .stage {
        position: relative;
        justify-self: center;
        align-self: center;
        max-width: 100%;
      }
      canvas,
      video {
        display: block;
        max-width: 100%;
        max-height: 360px;
      }
      .box {
        position: absolute;
        left: calc(var(--x) * 100%);
        top: calc(var(--y) * 100%);
        width: calc(var(--w) * 100%);
        height: calc(var(--h) * 100%);
        border: 2px solid #fff;
        border-radius: 4px;
        box-shadow:
          0 0 0 1px rgb(0 0 0 / 55%),
          inset 0 0 0 1px rgb(0 0 0 / 35%);
      }
      .box span {
        position: absolute;
        left: -2px;
        bottom: 100%;
        padding: 0 6px;
        font-size: 12px;
        line-height: 18px;
        color: #fff;
        white-space: nowrap;
        background: rgb(0 0 0 / 75%);
        border-radius: 4px 4px 4px 0;
      }
      .box.high span {
        bottom: auto;
        top: 0;
        left: 0;
        border-radius: 0 0 4px;
      }
      .summary {
        margin-top: 10px;
        font-size: 17px;
        font-weight: 600;
      }
    `,
  ]
  declare picture: ImageBitmap | undefined
  declare camera: MediaStream | undefined
  declare finds: Detections | undefined
  declare nameOf: (label: string) => string

  constructor() {
    super()
    this.nameOf = (label) => label
  }

  protected override updated(changed: PropertyValues): void {
    if (changed.has('camera')) {
      const video = this.renderRoot.querySelector('video')
      if (video && this.camera) {
        video.srcObject = this.camera
        video.play().catch(() => {})
      }
    }
    if (!changed.has('picture') || this.picture === undefined) return
    const canvas = this.renderRoot.querySelector('canvas')
    if (canvas === null) return
    canvas.width = this.picture.width
    canvas.height = this.picture.height
    canvas.getContext('2d')?.drawImage(this.picture, 0, 0)
  }

  #boxes({ width, height, detections }: Detections) {
    return detections.map(({ label, score, box }) => {
      const y = box.y / height
      return html`<div
        class="box drawn ${y < 0.08 ? 'high' : ''}"
        data-testid="find"
        data-label=${label}
        ${cssVariables({ '--x': box.x / width, '--y': y, '--w': box.width / width, '--h': box.height / height })}
      >
        <span>${this.nameOf(label)} ${formatPercent(score)}</span>
      </div>`
    })
  }

  /** What was found, counted: `2 × face`. */
  #summary({ detections }: Detections): string {
    if (detections.length === 0) return t('finds.none', 'Nothing was found.')
    const counts = new Map<string, number>()
    for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1)
    return [...counts].map(([label, count]) => t('finds.count', str`${count} × ${this.nameOf(label)}`)).join(', ')
  }

  override render() {
    const { picture, camera, finds } = this
    const stage = camera
      ? html`<video muted playsinline data-testid="camera"></video>`
      : html`<canvas role="img" aria-label=${t('finds.picture', 'The picture that was given')}></canvas>`
    return html`<div class="frame">
        ${
          picture || camera
            ? html`<div class="stage">${stage}${finds ? this.#boxes(finds) : nothing}</div>`
            : html`<slot></slot>`
        }
      </div>
      ${finds ? html`<p class="summary" role="status" data-testid="answer">${this.#summary(finds)}</p>` : nothing}`
  }
}

define('hither-finds', PictureFinds)

declare global {
  interface HTMLElementTagNameMap {
    'hither-finds': PictureFinds
  }
}

import { css, html } from 'lit'
import { define } from '../base/define.ts'
import { painted } from '../base/next-task.ts'
import { UiElement } from '../base/ui-element.ts'
import { sharedStyles } from '../design/shared-styles.ts'
import { t } from '../texts/text.ts'
import { paintPicture, paintStroke, type Stroke, type StrokePoint, widthFor } from './strokes.ts'

/** Pause after a stroke before the drawing counts as done: the next stroke of a 4 or a 5 comes sooner. */
const settleMs = 400

/**
 * A square to draw on with mouse, finger or pen. Also shows a picture that was given instead.
 *
 * @fires stroke-start - the drawing is about to change
 * @fires drawn - a stroke ended and none followed for a moment; read `canvas`
 */
export class DrawingPad extends UiElement {
  static override properties = { blank: { type: Boolean, reflect: true } }
  static override styles = [
    sharedStyles,
    css`
      .frame {
        position: relative;
        aspect-ratio: 1;
        overflow: hidden;
        background: var(--pad-paper);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        box-shadow: var(--shadow);
      }
      canvas {
        display: block;
        width: 100%;
        height: 100%;
        touch-action: none;
        cursor: crosshair;
        -webkit-user-select: none;
        user-select: none;
      }
      .hint {
        position: absolute;
        inset: 0;
        display: grid;
        place-content: center;
        gap: 4px;
        padding: 24px;
        text-align: center;
        text-wrap: balance;
        color: var(--muted);
        pointer-events: none;
      }
      .hint strong {
        font-size: 17px;
        font-weight: 600;
        color: var(--text);
      }
    `,
  ]
  declare blank: boolean

  #strokes: StrokePoint[][] = []
  #picture: ImageBitmap | undefined
  #pointer: number | undefined
  #settling: ReturnType<typeof setTimeout> | undefined
  #frame: number | undefined
  #isPainted = false
  readonly #resizes = new ResizeObserver(() => this.#fit())
  readonly #scheme = matchMedia('(prefers-color-scheme: dark)')
  readonly #repaint = () => this.#paint()

  constructor() {
    super()
    this.blank = true
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#resizes.observe(this)
    this.#scheme.addEventListener('change', this.#repaint)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#resizes.disconnect()
    this.#scheme.removeEventListener('change', this.#repaint)
    clearTimeout(this.#settling)
  }

  /** The drawing as it is now. */
  get canvas(): HTMLCanvasElement {
    if (!this.#isPainted) this.#paint()
    return this.#canvas
  }

  get #canvas(): HTMLCanvasElement {
    const canvas = this.renderRoot.querySelector('canvas')
    if (canvas === null) throw new Error('the pad has not been rendered yet')
    return canvas
  }

  /** Empties the pad. */
  clear(): void {
    this.#hold(undefined)
    this.#paint()
  }

  /** Shows a picture instead of a drawing; the pad owns and closes it. */
  show(picture: ImageBitmap): void {
    this.#hold(picture)
    // After the answer, which is shown at the same time: each is a short task of its own.
    void painted().then(this.#repaint)
  }

  #hold(picture: ImageBitmap | undefined): void {
    clearTimeout(this.#settling)
    this.#strokes = []
    this.#picture?.close()
    this.#picture = picture
    this.blank = picture === undefined
  }

  #fit(): void {
    const canvas = this.#canvas
    const side = Math.max(1, Math.min(1024, Math.round(canvas.clientWidth * devicePixelRatio)))
    if (canvas.width !== side) {
      canvas.width = side
      canvas.height = side
      this.#isPainted = false
    }
    // An empty one looks like its background until somebody wants the canvas: a page starts sooner without painting.
    if (!this.blank) this.#paint()
  }

  #paint(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#frame = undefined
    const canvas = this.renderRoot.querySelector('canvas')
    const context = canvas?.getContext('2d')
    if (!canvas || !context) return
    this.#isPainted = true
    const colours = getComputedStyle(this)
    const side = canvas.width
    context.fillStyle = colours.getPropertyValue('--pad-paper') || '#fff'
    context.fillRect(0, 0, side, side)
    if (this.#picture) paintPicture(context, this.#picture, side)
    context.strokeStyle = colours.getPropertyValue('--pad-ink') || '#000'
    for (const stroke of this.#strokes as readonly Stroke[]) paintStroke(context, stroke, side)
  }

  #pointOf(event: PointerEvent): StrokePoint {
    const box = this.#canvas.getBoundingClientRect()
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.height,
      width: widthFor(event.pointerType, event.pressure),
    }
  }

  #start(event: PointerEvent): void {
    if (this.#pointer !== undefined || event.button !== 0) return
    event.preventDefault()
    this.#canvas.setPointerCapture(event.pointerId)
    clearTimeout(this.#settling)
    if (this.#picture) this.clear()
    this.#pointer = event.pointerId
    this.#strokes.push([this.#pointOf(event)])
    this.blank = false
    this.dispatchEvent(new Event('stroke-start'))
    this.#paint()
  }

  #move(event: PointerEvent): void {
    const stroke = this.#strokes.at(-1)
    if (event.pointerId !== this.#pointer || stroke === undefined) return
    const events = event.getCoalescedEvents()
    for (const each of events.length > 0 ? events : [event]) stroke.push(this.#pointOf(each))
    this.#frame ??= requestAnimationFrame(this.#repaint)
  }

  #end(event: PointerEvent): void {
    if (event.pointerId !== this.#pointer) return
    this.#pointer = undefined
    this.#paint()
    this.#settling = setTimeout(() => this.dispatchEvent(new Event('drawn')), settleMs)
  }

  override render() {
    return html`<div class="frame">
      <canvas
        width="512"
        height="512"
        role="img"
        aria-label=${t('pad.label', 'Drawing pad: draw a digit with mouse, finger or pen')}
        data-testid="pad"
        @pointerdown=${this.#start}
        @pointermove=${this.#move}
        @pointerup=${this.#end}
        @pointercancel=${this.#end}
      ></canvas>
      <div class="hint" ?hidden=${!this.blank} aria-hidden="true">
        <strong>${t('pad.title', 'Draw a digit')}</strong><span class="small">${t('pad.hint', 'or drop, paste or choose a picture of one')}</span>
      </div>
    </div>`
  }
}

define('hither-pad', DrawingPad)

declare global {
  interface HTMLElementTagNameMap {
    'hither-pad': DrawingPad
  }
}

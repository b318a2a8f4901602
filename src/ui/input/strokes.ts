/** A place on the pad: 0 to 1 in both directions, with the stroke's width there as a share of the side. */
export interface StrokePoint {
  readonly x: number
  readonly y: number
  readonly width: number
}

export type Stroke = readonly StrokePoint[]

/** A stroke's width as a share of the pad's side: what handwriting in the training pictures has. */
const strokeWidth = 0.062

/** A pen's pressure of 0 to 1 thins or thickens its stroke; mouse and finger, which have none, draw evenly. */
export const widthFor = (pointerType: string, pressure: number): number =>
  pointerType === 'pen' && pressure > 0 ? strokeWidth * (0.55 + 0.9 * Math.min(1, pressure)) : strokeWidth

const between = (a: StrokePoint, b: StrokePoint): StrokePoint => ({
  x: (a.x + b.x) / 2,
  y: (a.y + b.y) / 2,
  width: (a.width + b.width) / 2,
})

/** Paints one stroke on a square of `side` pixels, through the middles of its points so that it has no corners. */
export function paintStroke(context: CanvasRenderingContext2D, stroke: Stroke, side: number): void {
  const [first] = stroke
  if (first === undefined) return
  context.lineCap = 'round'
  context.lineJoin = 'round'
  context.lineWidth = first.width * side
  context.beginPath()
  context.moveTo(first.x * side, first.y * side)
  let width = first.width
  let previous = first
  for (const point of stroke.slice(1)) {
    const middle = between(previous, point)
    context.quadraticCurveTo(previous.x * side, previous.y * side, middle.x * side, middle.y * side)
    // One path as long as the width stays: where two paths overlap, their soft edges add up to a notch.
    if (Math.abs(middle.width - width) > 0.001) {
      context.stroke()
      context.beginPath()
      context.moveTo(middle.x * side, middle.y * side)
      context.lineWidth = middle.width * side
      width = middle.width
    }
    previous = point
  }
  // A tenth of a pixel aside: of a line without length, a dot, not even the round ends are painted.
  context.lineTo(previous.x * side + 0.1, previous.y * side)
  context.stroke()
}

/** Paints a picture as large as fits a square of `side` pixels, in its middle. */
export function paintPicture(context: CanvasRenderingContext2D, picture: ImageBitmap, side: number): void {
  const scale = side / Math.max(picture.width, picture.height)
  const width = picture.width * scale
  const height = picture.height * scale
  context.drawImage(picture, (side - width) / 2, (side - height) / 2, width, height)
}

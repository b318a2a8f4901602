import type { PicturePreprocessing } from '../../contracts/preprocessing.ts'
import type { Box } from './plane.ts'
import type { PictureSize } from './size-reader.ts'

/** How a picture lies in a model's input. */
export interface PictureView {
  /** The picture's width and height, upright, in its own pixels. */
  readonly size: PictureSize
  /** What the whole input shows, in the picture's pixels; it reaches beyond the picture where there are bars. */
  readonly shown: Box
}

/** What of the picture is drawn, in its pixels, and where in the input, in the input's. */
export interface Placement {
  readonly from: Box
  readonly to: Box
  readonly view: PictureView
}

/** Works out where a picture goes in a model's input. */
export function placePicture(size: PictureSize, { width, height, fit }: PicturePreprocessing): Placement {
  const whole = { x: 0, y: 0, width: size.width, height: size.height }
  const input = { x: 0, y: 0, width, height }
  if (fit === 'stretch') return { from: whole, to: input, view: { size, shown: whole } }
  if (fit === 'crop') {
    const scale = Math.max(width / size.width, height / size.height)
    const [cutWidth, cutHeight] = [width / scale, height / scale]
    const shown = {
      x: (size.width - cutWidth) / 2,
      y: (size.height - cutHeight) / 2,
      width: cutWidth,
      height: cutHeight,
    }
    return { from: shown, to: input, view: { size, shown } }
  }
  const scale = Math.min(width / size.width, height / size.height)
  const drawnWidth = Math.max(1, Math.round(size.width * scale))
  const drawnHeight = Math.max(1, Math.round(size.height * scale))
  const to = {
    x: Math.floor((width - drawnWidth) / 2),
    y: Math.floor((height - drawnHeight) / 2),
    width: drawnWidth,
    height: drawnHeight,
  }
  const [across, down] = [size.width / drawnWidth, size.height / drawnHeight]
  const shown = { x: -to.x * across, y: -to.y * down, width: width * across, height: height * down }
  return { from: whole, to, view: { size, shown } }
}

/** A view of the same picture at another size. */
export function scaleView({ size, shown }: PictureView, full: PictureSize): PictureView {
  const [across, down] = [full.width / size.width, full.height / size.height]
  return {
    size: full,
    shown: {
      x: shown.x * across,
      y: shown.y * down,
      width: shown.width * across,
      height: shown.height * down,
    },
  }
}

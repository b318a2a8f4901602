import type { PicturePreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorData } from '../../contracts/tensor.ts'
import { type PictureView, placePicture } from './picture-view.ts'
import type { Pixels } from './pixels.ts'
import { resample } from './resample.ts'

/** The planes in the order of the model's channels. Luma is that of ITU-R BT.601. */
function channelsOf([red, green, blue]: readonly Float32Array[], channels: PicturePreprocessing['channels']) {
  if (red === undefined || green === undefined || blue === undefined) throw new TypeError('three planes are needed')
  if (channels === 'rgb') return [red, green, blue]
  if (channels === 'bgr') return [blue, green, red]
  return [red.map((value, i) => 0.299 * value + 0.587 * (green[i] ?? 0) + 0.114 * (blue[i] ?? 0))]
}

/**
 * A picture as the model's input: bytes in its size, channels and layout, and where in the input the picture lies.
 */
export function pictureToTensor(
  pixels: Pixels,
  preprocessing: PicturePreprocessing,
): { readonly tensor: TensorData; readonly view: PictureView } {
  const { width, height, channels, layout, resample: filter = 'bilinear', fill = 0 } = preprocessing
  const { from, to, view } = placePicture(pixels, preprocessing)
  const planes = channelsOf(resample(pixels, from, to.width, to.height, filter), channels)
  const count = planes.length
  const data = new Uint8ClampedArray(width * height * count).fill(fill)
  const [step, plane] = layout === 'nchw' ? [1, width * height] : [count, 1]
  planes.forEach((values, channel) => {
    for (let y = 0; y < to.height; y += 1) {
      let at = channel * plane + ((to.y + y) * width + to.x) * step
      // A clamped array rounds, and keeps what a cubic filter overshoots within a byte.
      for (let x = 0; x < to.width; x += 1, at += step) data[at] = values[y * to.width + x] ?? 0
    }
  })
  const dims = layout === 'nchw' ? [1, count, height, width] : [1, height, width, count]
  return { tensor: { type: 'uint8', dims, data: new Uint8Array(data.buffer) }, view }
}

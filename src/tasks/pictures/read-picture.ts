import { ValidationError } from '../../errors/validation-error.ts'
import { isInstance } from '../../utils/is-instance.ts'
import { checkPictureBytes, checkPictureSize, fitToReadSize, maxReadSide } from './picture-limits.ts'
import { pictureSize, usualHeaderBytes } from './picture-size.ts'
import type { Pixels } from './pixels.ts'
import type { PictureSize } from './size-reader.ts'
import type { TransferablePicture } from './transferable-picture.ts'

const unreadable = (cause?: unknown) =>
  new ValidationError('picture-unreadable', 'This file is not a picture this browser can read.', {
    ...(cause === undefined ? {} : { cause }),
  })

async function readBytes(blob: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await blob.arrayBuffer())
  } catch (cause) {
    throw new ValidationError('picture-unreadable', 'This file can no longer be read. Choose it again.', { cause })
  }
}

async function declaredSize(blob: Blob): Promise<PictureSize> {
  checkPictureBytes(blob.size)
  const size = pictureSize(await readBytes(blob.slice(0, usualHeaderBytes)))
  if (size !== undefined) return size
  const whole = blob.size > usualHeaderBytes ? pictureSize(await readBytes(blob)) : undefined
  if (whole === undefined) throw unreadable()
  return whole
}

/** The resize that leaves the aspect to the browser: a file's orientation may swap the sides that it declares. */
function resizeOf({ width, height }: PictureSize, maxSide: number): ImageBitmapOptions {
  if (Math.max(width, height) <= maxSide) return {}
  const side = width >= height ? { resizeWidth: maxSide } : { resizeHeight: maxSide }
  return { ...side, resizeQuality: 'high' }
}

interface Decoded {
  readonly bitmap: ImageBitmap
  /** The picture's own size, upright. */
  readonly full: PictureSize
}

async function decode(picture: TransferablePicture, maxSide: number): Promise<Decoded> {
  const size = isInstance(picture, 'Blob') ? await declaredSize(picture) : picture
  checkPictureSize(size)
  if (isInstance(picture, 'ImageBitmap')) return { bitmap: picture, full: { width: size.width, height: size.height } }
  try {
    const bitmap = await createImageBitmap(picture, { imageOrientation: 'from-image', ...resizeOf(size, maxSide) })
    const turned = size.width > size.height !== bitmap.width > bitmap.height && bitmap.width !== bitmap.height
    const [width, height] = turned ? [size.height, size.width] : [size.width, size.height]
    return { bitmap, full: { width, height } }
  } catch (cause) {
    throw unreadable(cause)
  }
}

/** A picture's pixels, and the size it had before it was made smaller to be read. */
export interface ReadPicture extends Pixels {
  readonly full: PictureSize
}

/**
 * Reads a picture into pixels: upright, at most `maxSide` pixels on its longest side, on white where it is transparent.
 * An `ImageBitmap` is closed afterwards. Of a moving picture, the first one is read.
 *
 * @throws {ValidationError} `picture-unreadable`, `picture-too-large` or `picture-empty`; a file is judged by the
 * size that its header declares, before it is decoded
 */
export async function readPicture(picture: TransferablePicture, maxSide = maxReadSide): Promise<ReadPicture> {
  const { bitmap, full } = await decode(picture, maxSide)
  try {
    const { width, height } = fitToReadSize(bitmap, maxSide)
    const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false, willReadFrequently: true })
    if (context === null) throw unreadable()
    context.fillStyle = '#fff'
    context.fillRect(0, 0, width, height)
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, width, height)
    return { width, height, data: new Uint8ClampedArray(context.getImageData(0, 0, width, height).data), full }
  } finally {
    bitmap.close()
  }
}

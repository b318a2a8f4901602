import type { Manifest } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { PictureSize } from './size-reader.ts'

/** More pixels than a phone's camera makes; decoded, this many take 200 MB. */
export const maxPicturePixels = 50_000_000

/** Largest picture file that is read. */
export const maxPictureBytes = 50_000_000

/**
 * Longest side of a picture once read. Ink is found in all of it, so its pixels are time: this many keep a digit that
 * takes up a tenth of a photo larger than the model looks at.
 */
export const maxReadSide = 320

const megapixels = (pixels: number): string => {
  const millions = pixels / 1e6
  return millions < 100 ? millions.toFixed(1) : Math.round(millions).toLocaleString('en')
}

/**
 * Refuses a picture that has no pixels or too many.
 *
 * @throws {ValidationError} `picture-empty` or `picture-too-large`
 */
export function checkPictureSize({ width, height }: PictureSize): void {
  if (width === 0 || height === 0) {
    throw new ValidationError('picture-empty', 'This picture has no pixels. Choose another one.', {
      context: { width, height },
    })
  }
  const pixels = width * height
  if (pixels > maxPicturePixels) {
    throw new ValidationError(
      'picture-too-large',
      `This picture has ${width} × ${height} pixels, which is ${megapixels(pixels)} megapixels; at most ` +
        `${maxPicturePixels / 1e6} are read. Choose a smaller one.`,
      { context: { width, height } },
    )
  }
}

/**
 * Refuses a file that is empty or too large to read.
 *
 * @throws {ValidationError} `picture-unreadable` or `picture-too-large`
 */
export function checkPictureBytes(bytes: number): void {
  if (bytes === 0) {
    throw new ValidationError('picture-unreadable', 'This file is empty. Choose a picture.', { context: { bytes } })
  }
  if (bytes > maxPictureBytes) {
    throw new ValidationError(
      'picture-too-large',
      `This file has ${(bytes / 1e6).toFixed(1)} MB; at most ${maxPictureBytes / 1e6} MB are read. ` +
        'Choose a smaller picture.',
      { context: { bytes } },
    )
  }
}

/** The same for pictures that are looked at as they are: the browser brings larger ones down to this before a model's own resize. */
export const maxResizeSide = 1280

/** `size`, made smaller where needed so that its longest side is at most `maxSide`; never below one pixel. */
export function fitToReadSize({ width, height }: PictureSize, maxSide = maxReadSide): PictureSize {
  const scale = Math.min(1, maxSide / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** Longest side that a picture keeps on its way to a model's own resize. */
export const readSideOf = ({ preprocessing }: Pick<Manifest, 'preprocessing'>): number =>
  preprocessing?.kind === 'picture' ? maxResizeSide : maxReadSide

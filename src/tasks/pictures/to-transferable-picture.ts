import { isErrorLike } from '../../errors/is-error-like.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { isInstance } from '../../utils/is-instance.ts'
import { fetchPicture } from './fetch-picture.ts'
import { checkPictureBytes, checkPictureSize, fitToReadSize, maxReadSide } from './picture-limits.ts'
import type { PictureSource } from './picture-source.ts'
import type { PictureSize } from './size-reader.ts'
import type { TransferablePicture } from './transferable-picture.ts'

const unreadable = (message: string, cause?: unknown) =>
  new ValidationError('picture-unreadable', message, { ...(cause === undefined ? {} : { cause }) })

type DrawnSource = Exclude<PictureSource, Blob | ImageData | string | URL>

function sizeOf(source: DrawnSource): PictureSize {
  if (isInstance(source, 'HTMLImageElement')) return { width: source.naturalWidth, height: source.naturalHeight }
  if (isInstance(source, 'HTMLVideoElement')) return { width: source.videoWidth, height: source.videoHeight }
  if (isInstance(source, 'VideoFrame')) return { width: source.displayWidth, height: source.displayHeight }
  return source
}

function checkLoaded(source: DrawnSource): void {
  if (isInstance(source, 'HTMLImageElement') && source.naturalWidth === 0) {
    throw unreadable('This picture has not loaded, or it cannot be shown.')
  }
  if (isInstance(source, 'HTMLVideoElement') && source.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
    throw unreadable('This video has no picture to show yet.')
  }
  const closed = isInstance(source, 'ImageBitmap')
    ? source.width === 0
    : isInstance(source, 'VideoFrame') && source.format === null
  if (closed) throw unreadable('This picture has been closed already.')
}

/** A picture of another origin can be drawn but not read, and the worker could not be given it either. */
function checkReadable(bitmap: ImageBitmap): void {
  const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  context?.drawImage(bitmap, 0, 0, 1, 1)
  context?.getImageData(0, 0, 1, 1)
}

async function toBitmap(source: DrawnSource, maxSide: number): Promise<ImageBitmap> {
  checkLoaded(source)
  const size = sizeOf(source)
  checkPictureSize(size)
  const { width, height } = fitToReadSize(size, maxSide)
  const resize =
    width === size.width && height === size.height
      ? {}
      : ({ resizeWidth: width, resizeHeight: height, resizeQuality: 'high' } as const)
  let bitmap: ImageBitmap | undefined
  try {
    bitmap = await createImageBitmap(source, resize)
    checkReadable(bitmap)
    return bitmap
  } catch (cause) {
    bitmap?.close()
    const foreign = isErrorLike(cause) && cause.name === 'SecurityError'
    throw unreadable(
      foreign
        ? 'This picture comes from another site, which does not let this page read it.'
        : 'This picture cannot be read.',
      cause,
    )
  }
}

const isDrawn = (source: unknown): source is DrawnSource =>
  isInstance(source, 'HTMLCanvasElement') ||
  isInstance(source, 'HTMLImageElement') ||
  isInstance(source, 'HTMLVideoElement') ||
  isInstance(source, 'OffscreenCanvas') ||
  isInstance(source, 'ImageBitmap') ||
  isInstance(source, 'VideoFrame')

/**
 * Turns whatever a picture is given as into something a worker can take, and leaves the original as it is: a file
 * stays a file and is decoded in the worker, elements, bitmaps and video frames become a bitmap of at most `maxSide`
 * pixels a side, `ImageData` is copied, an address of this origin is fetched. Runs on the page.
 *
 * @throws {ValidationError} `picture-unreadable` for anything that is no picture or may not be read,
 * `picture-empty` and `picture-too-large` by its size
 */
export async function toTransferablePicture(
  source: PictureSource,
  maxSide = maxReadSide,
  signal?: AbortSignal,
): Promise<TransferablePicture> {
  if (typeof source === 'string' || isInstance(source, 'URL')) return fetchPicture(source, signal)
  if (isInstance(source, 'Blob')) {
    checkPictureBytes(source.size)
    return source
  }
  if (isInstance(source, 'ImageData')) {
    checkPictureSize(source)
    if (source.data.length === 0) throw unreadable('These pixels were handed over to another thread or frame.')
    return structuredClone(source)
  }
  if (isDrawn(source)) return toBitmap(source, maxSide)
  throw unreadable(
    'A picture is needed: a file, a canvas, an image, a video or a frame of one, a bitmap, image data or an address.',
  )
}

/**
 * Waits for an image element that is still being fetched: its page may give it before it is there. One that is fetched
 * only when it comes into view is not waited for, as that may never be.
 */
export async function whenFetched(source: PictureSource, signal?: AbortSignal): Promise<void> {
  if (!isInstance(source, 'HTMLImageElement') || source.complete || source.loading === 'lazy') return
  // Whether it is a picture is for those to say who read it.
  await abortable(
    source.decode().catch(() => {}),
    signal,
  )
}

/** The size of a picture that is made smaller on its way to the worker: what boxes in it count in. */
export const fullSizeOf = (source: PictureSource): PictureSize | undefined => {
  if (!isDrawn(source)) return undefined
  const { width, height } = sizeOf(source)
  return { width, height }
}

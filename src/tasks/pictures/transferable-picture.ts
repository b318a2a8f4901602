import { isInstance } from '../../utils/is-instance.ts'

/** A picture in a form that a worker can be given and can read. */
export type TransferablePicture = Blob | ImageBitmap | ImageData

/** What of a picture moves to the worker instead of being copied: pass it as the message's transfer list. */
export function transferablesOf(picture: TransferablePicture): Transferable[] {
  if (isInstance(picture, 'ImageBitmap')) return [picture]
  if (isInstance(picture, 'ImageData')) return [picture.data.buffer]
  return []
}

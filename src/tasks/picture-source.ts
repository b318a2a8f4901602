/** Anything a picture can be read from. */
export type PictureSource =
  | Blob
  | ImageBitmap
  | ImageData
  | OffscreenCanvas
  | HTMLCanvasElement
  | HTMLImageElement
  | HTMLVideoElement

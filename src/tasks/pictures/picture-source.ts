/** Anything a picture can be read from. A string or a URL is the address of a picture on the page's own origin. */
export type PictureSource =
  | string
  | URL
  | Blob
  | VideoFrame
  | ImageBitmap
  | ImageData
  | OffscreenCanvas
  | HTMLCanvasElement
  | HTMLImageElement
  | HTMLVideoElement

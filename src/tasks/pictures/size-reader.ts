/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number
  readonly height: number
}

/** Reads the size that a file of one format declares; undefined where it does not, or the bytes end too early. */
export type SizeReader = (view: DataView) => PictureSize | undefined

/** Do these bytes stand there? `text` has one character a byte. */
export const startsWith = (view: DataView, offset: number, text: string): boolean => {
  if (offset < 0 || offset + text.length > view.byteLength) return false
  for (let i = 0; i < text.length; i += 1) if (view.getUint8(offset + i) !== text.charCodeAt(i)) return false
  return true
}

/** The one with more pixels. */
export const largerOf = (a: PictureSize | undefined, b: PictureSize): PictureSize =>
  a !== undefined && a.width * a.height >= b.width * b.height ? a : b

import { largerOf, type PictureSize, type SizeReader, startsWith } from './size-reader.ts'

const headBytes = 6
const entryBytes = 16

/** Is it an icon (`.ico`) or a cursor (`.cur`), with one picture in it at least? */
export const isIcon = (view: DataView): boolean =>
  (startsWith(view, 0, '\0\0\x01\0') || startsWith(view, 0, '\0\0\x02\0')) &&
  view.byteLength >= headBytes &&
  view.getUint16(4, true) > 0

/** What the picture itself says: a PNG, or a BMP without its file's head and with a mask of the same height below. */
function sizeAt(view: DataView, offset: number): PictureSize | undefined {
  if (offset + 24 > view.byteLength) return undefined
  if (startsWith(view, offset, '\x89PNG')) {
    return { width: view.getUint32(offset + 16), height: view.getUint32(offset + 20) }
  }
  const height = Math.abs(view.getInt32(offset + 8, true))
  return { width: Math.abs(view.getInt32(offset + 4, true)), height: Math.floor(height / 2) }
}

/** The largest picture's size, which browsers show. A byte of 0 in the list stands for 256, so the pictures are asked. */
export const iconSize: SizeReader = (view) => {
  const count = view.getUint16(4, true)
  let size: PictureSize | undefined
  for (let index = 0; index < count; index += 1) {
    const entry = headBytes + index * entryBytes
    if (entry + entryBytes > view.byteLength) return undefined
    const found = sizeAt(view, view.getUint32(entry + 12, true))
    if (found === undefined) return undefined
    size = largerOf(size, found)
  }
  return size
}

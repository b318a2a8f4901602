import { iconSize, isIcon } from './icon-size.ts'
import { isIsoPicture, isoPictureSize } from './iso-picture-size.ts'
import { type PictureSize, type SizeReader, startsWith } from './size-reader.ts'

/** Bytes that are enough for every format's size but that of a JPEG behind large metadata. */
export const usualHeaderBytes = 262_144

const png: SizeReader = (view) =>
  startsWith(view, 12, 'IHDR') && view.byteLength >= 24
    ? { width: view.getUint32(16), height: view.getUint32(20) }
    : undefined

/** Walks the segments to the first frame header; SOF markers are C0 to CF without DHT, JPG and DAC. */
const jpeg: SizeReader = (view) => {
  let offset = 2
  while (offset + 4 <= view.byteLength) {
    if (view.getUint8(offset) !== 0xff) return undefined
    const marker = view.getUint8(offset + 1)
    if (marker === 0xff) {
      offset += 1
      continue
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      offset += 2
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) {
      if (offset + 9 > view.byteLength) return undefined
      return { width: view.getUint16(offset + 7), height: view.getUint16(offset + 5) }
    }
    if (marker === 0xd9 || marker === 0xda) return undefined
    const length = view.getUint16(offset + 2)
    if (length < 2) return undefined
    offset += 2 + length
  }
  return undefined
}

const colourTableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))

/** The larger of the screen and the first frame: decoders make room for a frame that is larger than its screen. */
const gif: SizeReader = (view) => {
  if (view.byteLength < 13) return undefined
  const width = view.getUint16(6, true)
  const height = view.getUint16(8, true)
  let offset = 13 + colourTableBytes(view.getUint8(10))
  while (offset + 2 <= view.byteLength) {
    const block = view.getUint8(offset)
    if (block === 0x2c) {
      if (offset + 9 > view.byteLength) return undefined
      return {
        width: Math.max(width, view.getUint16(offset + 1, true) + view.getUint16(offset + 5, true)),
        height: Math.max(height, view.getUint16(offset + 3, true) + view.getUint16(offset + 7, true)),
      }
    }
    if (block !== 0x21) return undefined
    offset += 2
    while (offset < view.byteLength && view.getUint8(offset) !== 0) offset += 1 + view.getUint8(offset)
    offset += 1
  }
  return undefined
}

const webp: SizeReader = (view) => {
  if (view.byteLength < 30) return undefined
  if (startsWith(view, 12, 'VP8X')) {
    const uint24 = (offset: number) => view.getUint16(offset, true) + view.getUint8(offset + 2) * 65_536
    return { width: uint24(24) + 1, height: uint24(27) + 1 }
  }
  if (startsWith(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (startsWith(view, 12, 'VP8 ')) {
    return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  return undefined
}

const bmp: SizeReader = (view) => {
  if (view.byteLength < 26) return undefined
  if (view.getUint32(14, true) === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) }
  // A negative height means rows from top to bottom.
  return { width: Math.abs(view.getInt32(18, true)), height: Math.abs(view.getInt32(22, true)) }
}

/** The first picture's width and height are two of the tags in its list. */
const tiff: SizeReader = (view) => {
  const little = startsWith(view, 0, 'II')
  if (view.byteLength < 8) return undefined
  const list = view.getUint32(4, little)
  const count = list + 2 > view.byteLength ? 0 : view.getUint16(list, little)
  const sides = new Map<number, number>()
  for (let at = list + 2; at < list + 2 + count * 12 && at + 12 <= view.byteLength; at += 12) {
    const isShort = view.getUint16(at + 2, little) === 3
    sides.set(view.getUint16(at, little), isShort ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little))
  }
  const [width, height] = [sides.get(256), sides.get(257)]
  return width === undefined || height === undefined ? undefined : { width, height }
}

function readerFor(view: DataView): SizeReader | undefined {
  if (startsWith(view, 0, '\x89PNG\r\n\x1a\n')) return png
  if (startsWith(view, 0, '\xff\xd8\xff')) return jpeg
  if (startsWith(view, 0, 'GIF87a') || startsWith(view, 0, 'GIF89a')) return gif
  if (startsWith(view, 0, 'RIFF') && startsWith(view, 8, 'WEBP')) return webp
  if (startsWith(view, 0, 'BM')) return bmp
  if (isIsoPicture(view)) return isoPictureSize
  if (isIcon(view)) return iconSize
  if (startsWith(view, 0, 'II*\0') || startsWith(view, 0, 'MM\0*')) return tiff
  return undefined
}

/**
 * Width and height that a picture file declares, read from its first bytes without decoding it: PNG, JPEG (before
 * its orientation is applied), GIF, WebP, BMP, ICO, CUR, TIFF, and AVIF and HEIC under each of their brands. Undefined when the bytes are none of these or end too early.
 * Never throws.
 */
export function pictureSize(bytes: Uint8Array): PictureSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return readerFor(view)?.(view)
}

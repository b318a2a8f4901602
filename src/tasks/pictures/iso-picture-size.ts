import { largerOf, type PictureSize, type SizeReader, startsWith } from './size-reader.ts'

interface Box {
  readonly type: string
  /** Of what it holds. */
  readonly start: number
  /** Behind its last byte, or behind the last one that is there. */
  readonly end: number
}

const codeAt = (view: DataView, offset: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(offset + index)))

/** The boxes that stand one behind the other between two places. */
function* boxesIn(view: DataView, from: number, to: number): Generator<Box, void, void> {
  let at = from
  while (at + 8 <= to) {
    const short = view.getUint32(at)
    // 1: a length of 64 bits follows. 0: to the end of the file.
    const isLong = short === 1 && at + 16 <= to
    const start = at + (isLong ? 16 : 8)
    const size = isLong ? view.getUint32(at + 8) * 2 ** 32 + view.getUint32(at + 12) : short === 0 ? to - at : short
    const next = at + size
    if (next < start) return
    yield { type: codeAt(view, at + 4), start, end: Math.min(next, to) }
    at = next
  }
}

/** Where a container's own boxes begin: some have a version and flags, or a list's length, before them. */
const headBytesOf: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0, moov: 0, trak: 0 }

/** Sizes stand four boxes deep at most. */
const deepest = 6

/** The largest size declared among these boxes: of a picture (`ispe`) or of a track of pictures (`tkhd`). */
function sizeIn(view: DataView, from: number, to: number, depth = 0): PictureSize | undefined {
  if (depth > deepest) return undefined
  let size: PictureSize | undefined
  for (const { type, start, end } of boxesIn(view, from, to)) {
    const inside = headBytesOf[type]
    let found: PictureSize | undefined
    if (inside !== undefined) found = sizeIn(view, start + inside, end, depth + 1)
    else if (type === 'ispe' && start + 12 <= end) {
      found = { width: view.getUint32(start + 4), height: view.getUint32(start + 8) }
    } else if (type === 'tkhd' && start + 84 <= end) {
      // The last two numbers, which have 16 bits behind the point.
      found = { width: view.getUint32(end - 8) >>> 16, height: view.getUint32(end - 4) >>> 16 }
    }
    if (found !== undefined) size = largerOf(size, found)
  }
  return size
}

/**
 * Is it of the ISO's family of containers? Which codec its pictures are of (AVIF, HEIC), its first brand does not always
 * say: `mif1` is each of them. Whether it can be read is for the browser to say.
 */
export const isIsoPicture = (view: DataView): boolean => startsWith(view, 4, 'ftyp')

/** The largest picture in it: there is one for each tile and thumbnail, too, and for each track of a moving one. */
export const isoPictureSize: SizeReader = (view) => sizeIn(view, 0, view.byteLength)

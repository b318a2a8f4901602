import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pictureSize } from './picture-size.ts'

const text = (value: string): number[] => Array.from(value, (c) => c.charCodeAt(0))
const be16 = (n: number): number[] => [(n >> 8) & 255, n & 255]
const be32 = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]
const le = (n: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(n / 256 ** i) & 255)
const zeros = (count: number): number[] => new Array<number>(count).fill(0)

const width = 3000
const height = 2000

const box = (type: string, ...parts: number[][]): number[] => {
  const content = parts.flat()
  return [...be32(8 + content.length), ...text(type), ...content]
}
const ispe = (w: number, h: number): number[] => box('ispe', zeros(4), be32(w), be32(h))
const tkhd = (w: number, h: number): number[] => box('tkhd', zeros(76), be32(w * 65_536), be32(h * 65_536))
const pictures = (...sizes: number[][]): number[] =>
  box('meta', zeros(4), box('hdlr', zeros(24)), box('iprp', box('ipco', ...sizes)))
const png = [...text('\x89PNG\r\n\x1a\n'), ...be32(13), ...text('IHDR'), ...be32(width), ...be32(height)]
const bitmap = (w: number, h: number): number[] => [...le(40, 4), ...le(w, 4), ...le(2 * h, 4), ...zeros(12)]
const icon = (side: number, at: number): number[] => [side, side, 0, 0, ...zeros(8), ...le(at, 4)]
const tag = (name: number, type: number, value: number): number[] => [
  ...le(name, 2),
  ...le(type, 2),
  ...le(1, 4),
  ...le(value, 4),
]

const headers: Record<string, number[]> = {
  PNG: png,
  JPEG: [0xff, 0xd8, 0xff, 0xc0, ...be16(17), 8, ...be16(height), ...be16(width)],
  'JPEG behind metadata and tables': [
    ...[0xff, 0xd8, 0xff, 0xe1, ...be16(40_002), ...zeros(40_000)],
    ...[0xff, 0xc4, ...be16(4), 0, 0],
    ...[0xff, 0xff, 0xff, 0xc2, ...be16(17), 8, ...be16(height), ...be16(width)],
  ],
  GIF: [
    ...text('GIF89a'),
    ...le(width, 2),
    ...le(height, 2),
    0x80,
    0,
    0,
    ...zeros(6),
    0x2c,
    ...zeros(4),
    ...le(10, 2),
    ...le(10, 2),
  ],
  'GIF with a frame larger than its screen': [
    ...[...text('GIF89a'), ...le(1, 2), ...le(1, 2), 0, 0, 0],
    ...[0x21, 0xf9, 4, 0, 0, 0, 0, 0],
    ...[0x2c, ...zeros(4), ...le(width, 2), ...le(height, 2)],
  ],
  'WebP, lossy': [...text('RIFF'), ...zeros(4), ...text('WEBPVP8 '), ...zeros(10), ...le(width, 2), ...le(height, 2)],
  'WebP, lossless': [
    ...text('RIFF'),
    ...zeros(4),
    ...text('WEBPVP8L'),
    ...zeros(4),
    0x2f,
    ...le(((height - 1) << 14) | (width - 1), 4),
    ...zeros(5),
  ],
  'WebP, extended': [
    ...text('RIFF'),
    ...zeros(4),
    ...text('WEBPVP8X'),
    ...zeros(8),
    ...le(width - 1, 3),
    ...le(height - 1, 3),
  ],
  BMP: [...text('BM'), ...zeros(12), ...le(40, 4), ...le(width, 4), ...le(height, 4)],
  'BMP from top to bottom': [...text('BM'), ...zeros(12), ...le(40, 4), ...le(width, 4), ...le(2 ** 32 - height, 4)],
  'BMP of OS/2': [...text('BM'), ...zeros(12), ...le(12, 4), ...le(width, 2), ...le(height, 2), ...zeros(4)],
  AVIF: [...box('ftyp', text('avif'), zeros(12)), ...pictures(ispe(160, 120), ispe(width, height))],
  'AVIF of another brand': [...box('ftyp', text('mif1'), zeros(4), text('avif')), ...pictures(ispe(width, height))],
  HEIC: [...box('ftyp', text('heic'), zeros(4)), ...pictures(ispe(512, 512), ispe(width, height))],
  'AVIF whose pictures lie before what is said of them': [
    ...box('ftyp', text('avif'), zeros(12)),
    ...[...be32(1), ...text('mdat'), ...be32(0), ...be32(300_016), ...zeros(300_000)],
    ...pictures(ispe(width, height)),
  ],
  'AVIF that moves': [
    ...box('ftyp', text('msf1'), zeros(4), text('avis')),
    ...box('moov', box('mvhd', zeros(100)), box('trak', tkhd(160, 120)), box('trak', tkhd(width, height))),
  ],
  ICO: [...text('\0\0\x01\0'), ...le(2, 2), ...icon(16, 38), ...icon(0, 62), ...bitmap(16, 16), ...png],
  CUR: [...text('\0\0\x02\0'), ...le(1, 2), ...icon(0, 22), ...bitmap(width, height)],
  TIFF: [...text('II*\0'), ...le(8, 4), ...le(2, 2), ...tag(256, 3, width), ...tag(257, 4, height)],
}

describe('pictureSize', () => {
  it.each(Object.entries(headers))('reads %s', (_, bytes) => {
    expect(pictureSize(Uint8Array.from(bytes))).toEqual({ width, height })
  })

  it.each(Object.entries(headers))('knows nothing of a %s that ends before its size', (name, bytes) => {
    // Of the pictures in a container, those that have arrived are known.
    const known = name === 'AVIF' || name === 'HEIC' || name === 'AVIF that moves' ? 44 : bytes.length
    for (let length = 0; length < known; length += Math.max(1, Math.floor(length / 50))) {
      expect(pictureSize(Uint8Array.from(bytes.slice(0, length)))).toBeUndefined()
    }
  })

  it('reads a container without an end of boxes in boxes', () => {
    const nested = Array.from({ length: 20_000 }, (_, depth) => [...be32(8 * (20_000 - depth)), ...text('moov')]).flat()
    expect(pictureSize(Uint8Array.from([...box('ftyp', text('avif')), ...nested]))).toBeUndefined()
  })

  it('reads from the middle of a buffer', () => {
    const bytes = Uint8Array.from([1, 2, 3, ...(headers.PNG ?? [])])
    expect(pictureSize(bytes.subarray(3))).toEqual({ width, height })
  })

  it('reads sizes as large as a header can claim', () => {
    const bytes = Uint8Array.from(headers.PNG ?? []).fill(0xff, 16)
    expect(pictureSize(bytes)).toEqual({ width: 2 ** 32 - 1, height: 2 ** 32 - 1 })
  })

  it.each(['', 'hello, I am no picture', '<svg xmlns="http://www.w3.org/2000/svg"/>', '%PDF-1.7'])(
    'knows nothing of “%s”',
    (content) => {
      expect(pictureSize(Uint8Array.from(text(content)))).toBeUndefined()
    },
  )

  it('never throws and never runs on, whatever follows a signature', () => {
    const heads = Object.values(headers).map((bytes) => bytes.slice(0, 12))
    fc.assert(
      fc.property(fc.constantFrom(...heads, []), fc.uint8Array({ maxLength: 300 }), (head, rest) => {
        const size = pictureSize(Uint8Array.from([...head, ...rest]))
        if (size === undefined) return
        expect(Number.isSafeInteger(size.width) && size.width >= 0).toBe(true)
        expect(Number.isSafeInteger(size.height) && size.height >= 0).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

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

const headers: Record<string, number[]> = {
  PNG: [...text('\x89PNG\r\n\x1a\n'), ...be32(13), ...text('IHDR'), ...be32(width), ...be32(height)],
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
  AVIF: [
    ...[...be32(24), ...text('ftypavif'), ...zeros(12)],
    ...[...be32(20), ...text('ispe'), ...zeros(4), ...be32(160), ...be32(120)],
    ...[...be32(20), ...text('ispe'), ...zeros(4), ...be32(width), ...be32(height)],
  ],
}

describe('pictureSize', () => {
  it.each(Object.entries(headers))('reads %s', (_, bytes) => {
    expect(pictureSize(Uint8Array.from(bytes))).toEqual({ width, height })
  })

  it.each(Object.entries(headers))('knows nothing of a %s that ends before its size', (name, bytes) => {
    const known = name === 'AVIF' ? 44 : bytes.length
    for (let length = 0; length < known; length += Math.max(1, Math.floor(length / 50))) {
      expect(pictureSize(Uint8Array.from(bytes.slice(0, length)))).toBeUndefined()
    }
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

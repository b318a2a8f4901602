import { describe, expect, it } from 'vitest'
import { animatedGif, cmykJpeg, icon, mif1Avif, movingAvif } from '../../testing/odd-pictures.ts'
import type { Pixels } from './pixels.ts'
import { readPicture } from './read-picture.ts'
import { fullSizeOf, toTransferablePicture, whenFetched } from './to-transferable-picture.ts'

/** Left half `left`, right half untouched. */
function canvasOf(width: number, height: number, left = '#f00'): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('no 2d context')
  context.fillStyle = left
  context.fillRect(0, 0, width / 2, height)
  return canvas
}

const rgb = ({ width, data }: Pixels, x: number, y: number) =>
  Array.from(data.slice((y * width + x) * 4, (y * width + x) * 4 + 3))

const near = (actual: number[], expected: number[], within = 12) =>
  actual.every((value, i) => Math.abs(value - (expected[i] ?? 0)) <= within)

const refused = (code: string) => expect.objectContaining({ name: 'ValidationError', code })

/** A JPEG with an EXIF segment that says how it must be turned. */
async function turnedJpeg(source: Blob, orientation: number): Promise<Blob> {
  const bytes = new Uint8Array(await source.arrayBuffer())
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
  const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff]
  const segment = Uint8Array.of(0xff, 0xe1, 0, body.length + 2, ...body)
  return new Blob([bytes.slice(0, 2), segment, bytes.slice(2)], { type: 'image/jpeg' })
}

const fromBase64 = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

describe('readPicture', () => {
  it.each([
    ['an AVIF under the brand of its container', mif1Avif, 16, 8],
    ['a moving AVIF', movingAvif, 16, 8],
    ['an icon', icon, 16, 16],
  ])('reads %s', async (_, base64, width, height) => {
    const pixels = await readPicture(new Blob([fromBase64(base64)]))
    expect(pixels.full).toEqual({ width, height })
    expect(near(rgb(pixels, 4, 4), [255, 0, 0], 30)).toBe(true)
  })

  it('reads the largest picture of an icon or a cursor', async () => {
    const small = [40, 16, 32]
    const large = [40, 24, 48]
    const file = (kind: number) => {
      const pictures = [large, small].map(([head = 0, side = 0, both = 0]) => {
        const bytes = new DataView(new ArrayBuffer(head + side * side * 4 + side * 4))
        for (const [at, value] of [
          [0, head],
          [4, side],
          [8, both],
          [12, 1 + 32 * 65_536],
        ] as const) {
          bytes.setUint32(at, value, true)
        }
        for (let at = head; at < head + side * side * 4; at += 4)
          bytes.setUint32(at, side === 24 ? 0xff00ff00 : 0xffff0000, true)
        return bytes
      })
      const list = new DataView(new ArrayBuffer(6 + 2 * 16))
      list.setUint16(2, kind, true)
      list.setUint16(4, 2, true)
      let offset = list.byteLength
      pictures.forEach((picture, index) => {
        const at = 6 + index * 16
        list.setUint8(at, index === 0 ? 24 : 16)
        list.setUint8(at + 1, index === 0 ? 24 : 16)
        list.setUint16(at + 4, 1, true)
        list.setUint16(at + 6, 32, true)
        list.setUint32(at + 8, picture.byteLength, true)
        list.setUint32(at + 12, offset, true)
        offset += picture.byteLength
      })
      return new Blob([list, ...pictures])
    }
    for (const kind of [1, 2]) {
      const pixels = await readPicture(file(kind))
      expect(pixels.full).toEqual({ width: 24, height: 24 })
      expect(rgb(pixels, 12, 12)).toEqual([0, 255, 0])
    }
  })

  it('reads a PNG and puts what is transparent on white', async () => {
    const pixels = await readPicture(await canvasOf(40, 20).convertToBlob())
    expect([pixels.width, pixels.height]).toEqual([40, 20])
    expect(rgb(pixels, 5, 10)).toEqual([255, 0, 0])
    expect(rgb(pixels, 35, 10)).toEqual([255, 255, 255])
  })

  it('scales a large picture so that its longest side is 320', async () => {
    const pixels = await readPicture(await canvasOf(1000, 2500).convertToBlob())
    expect([pixels.width, pixels.height]).toEqual([128, 320])
    expect(rgb(pixels, 30, 200)).toEqual([255, 0, 0])
  })

  it.each([
    [60, 30],
    [1600, 800],
  ])('turns a photo of %i × %i as its orientation says', async (width, height) => {
    const canvas = canvasOf(width, height, '#00f')
    const context = canvas.getContext('2d')
    if (context !== null) {
      context.fillStyle = '#ff0'
      context.fillRect(width / 2, 0, width / 2, height)
    }
    const upright = await readPicture(
      await turnedJpeg(await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 }), 6),
    )
    expect(upright.height / upright.width).toBeCloseTo(2, 1)
    expect(upright.height).toBeLessThanOrEqual(320)
    // Turned clockwise by a quarter, what was left is now above.
    expect(near(rgb(upright, upright.width >> 1, 3), [0, 0, 255])).toBe(true)
    expect(near(rgb(upright, upright.width >> 1, upright.height - 4), [255, 255, 0])).toBe(true)
  })

  it('refuses a picture of 100 megapixels by its header, with both numbers', async () => {
    const header = new Uint8Array(await (await canvasOf(4, 4).convertToBlob()).arrayBuffer())
    const view = new DataView(header.buffer)
    view.setUint32(16, 10_000)
    view.setUint32(20, 10_000)
    const error = await readPicture(new Blob([header])).catch((reason: unknown) => reason)
    expect(error).toEqual(refused('picture-too-large'))
    expect(String(error)).toMatch(/10000 × 10000 pixels.*100 megapixels.*at most 50/)
  })

  it('refuses a file above 50 MB unread', async () => {
    const large = new Blob(Array.from({ length: 51 }, () => new Uint8Array(1_000_000)))
    await expect(readPicture(large)).rejects.toEqual(refused('picture-too-large'))
    await expect(toTransferablePicture(large)).rejects.toEqual(refused('picture-too-large'))
  })

  it.each<[string, string, BlobPart[]]>([
    ['text that calls itself a PNG', 'picture-unreadable', ['I am no picture.']],
    ['an empty file', 'picture-unreadable', []],
    ['a signature and nothing else', 'picture-unreadable', [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)]],
    [
      'a header without a picture',
      'picture-unreadable',
      ['GIF89a', Uint8Array.of(9, 0, 9, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 9, 0, 9, 0, 0)],
    ],
    [
      'a picture of no pixels',
      'picture-empty',
      ['BM', new Uint8Array(12), Uint8Array.of(40, 0, 0, 0), new Uint8Array(40)],
    ],
  ])('refuses %s', async (_, code, parts) => {
    await expect(readPicture(new File(parts, 'a.png', { type: 'image/png' }))).rejects.toEqual(refused(code))
  })

  it('reads bitmaps and image data, and closes the bitmap', async () => {
    const bitmap = await createImageBitmap(canvasOf(600, 300))
    const pixels = await readPicture(bitmap)
    expect([pixels.width, pixels.height, bitmap.width]).toEqual([320, 160, 0])
    const grey = await readPicture(new ImageData(new Uint8ClampedArray([0, 0, 0, 128]), 1, 1))
    expect(near(rgb(grey, 0, 0), [127, 127, 127], 1)).toBe(true)
  })
})

describe('toTransferablePicture', () => {
  it('leaves a file a file', async () => {
    const blob = await canvasOf(4, 4).convertToBlob()
    expect(await toTransferablePicture(blob)).toBe(blob)
  })

  it('copies bitmaps and image data, so that the original stays with its owner', async () => {
    const bitmap = await createImageBitmap(canvasOf(8, 4))
    const copy = await toTransferablePicture(bitmap)
    expect(copy).not.toBe(bitmap)
    await readPicture(copy)
    expect(bitmap.width).toBe(8)
    const image = new ImageData(2, 2)
    const sent = await toTransferablePicture(image)
    expect(sent instanceof ImageData && sent.data.buffer !== image.data.buffer).toBe(true)
  })

  it('reads canvases and images as they are', async () => {
    const canvas = document.createElement('canvas')
    canvas.width = 30
    canvas.height = 10
    canvas.getContext('2d')?.fillRect(0, 0, 30, 10)
    const image = new Image()
    image.src = canvas.toDataURL()
    await image.decode()
    for (const source of [canvas, image, canvasOf(30, 10, '#000')]) {
      const pixels = await readPicture(await toTransferablePicture(source))
      expect([pixels.width, pixels.height]).toEqual([30, 10])
      expect(rgb(pixels, 3, 3)).toEqual([0, 0, 0])
    }
  })

  it('makes a large canvas small before it is sent', async () => {
    const bitmap = await toTransferablePicture(canvasOf(2000, 1000))
    expect(bitmap instanceof ImageBitmap && [bitmap.width, bitmap.height]).toEqual([320, 160])
  })

  it.each<[string, string, () => unknown]>([
    ['a canvas of no size', 'picture-empty', () => Object.assign(document.createElement('canvas'), { width: 0 })],
    ['an image that has not loaded', 'picture-unreadable', () => new Image()],
    ['a video without a picture', 'picture-unreadable', () => document.createElement('video')],
    ['an address where there is nothing', 'picture-unreadable', () => 'no-such-picture.png'],
    ['an address of another origin', 'picture-unreadable', () => 'https://example.com/a.png'],
    ['an address that is none', 'picture-unreadable', () => 'http://[:::'],
    ['a data: address', 'picture-unreadable', () => 'data:image/png;base64,AAAA'],
    ['a number', 'picture-unreadable', () => 7],
    ['nothing', 'picture-unreadable', () => undefined],
    ['an element that is no picture', 'picture-unreadable', () => document.createElement('p')],
  ])('refuses %s', async (_, code, make) => {
    await expect(toTransferablePicture(make() as HTMLCanvasElement)).rejects.toEqual(refused(code))
  })

  it('refuses image data whose pixels were handed over', async () => {
    const pixels = new ImageData(8, 4)
    structuredClone(pixels.data.buffer, { transfer: [pixels.data.buffer] })
    await expect(toTransferablePicture(pixels)).rejects.toMatchObject({ code: 'picture-unreadable' })
  })

  it('refuses a bitmap that was closed', async () => {
    const bitmap = await createImageBitmap(canvasOf(4, 4))
    bitmap.close()
    await expect(toTransferablePicture(bitmap)).rejects.toEqual(refused('picture-unreadable'))
  })
})

describe('what a picture is given as', () => {
  it('may be an address of this origin, as text or as a URL', async () => {
    const blob = await canvasOf(30, 10).convertToBlob()
    const address = URL.createObjectURL(blob)
    for (const source of [address, new URL(address)]) {
      const pixels = await readPicture(await toTransferablePicture(source))
      expect([pixels.width, pixels.height]).toEqual([30, 10])
    }
    URL.revokeObjectURL(address)
  })

  it('may be a video frame, which stays open', async () => {
    const frame = new VideoFrame(canvasOf(600, 300), { timestamp: 0 })
    expect(fullSizeOf(frame)).toEqual({ width: 600, height: 300 })
    const pixels = await readPicture(await toTransferablePicture(frame))
    expect([pixels.width, pixels.height]).toEqual([320, 160])
    expect(frame.format).not.toBeNull()
    frame.close()
    await expect(toTransferablePicture(frame)).rejects.toEqual(refused('picture-unreadable'))
  })
})

describe('odd pictures', () => {
  const bytes = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))

  it.each([1, 16])('reads a picture of %i × 1', async (width) => {
    const pixels = await readPicture(await canvasOf(width, 1, '#000').convertToBlob())
    expect([pixels.width, pixels.height]).toEqual([width, 1])
  })

  it.each([320, 1280])('reads a picture of 20,000 × 1, at most %i wide', async (side) => {
    const long = canvasOf(20_000, 1, '#000')
    for (const source of [await long.convertToBlob(), await toTransferablePicture(long, side)]) {
      const pixels = await readPicture(source, side)
      expect([pixels.width, pixels.height]).toEqual([side, 1])
      expect(rgb(pixels, 3, 0)).toEqual([0, 0, 0])
    }
    expect((await readPicture(await long.convertToBlob(), side)).full).toEqual({ width: 20_000, height: 1 })
  })

  it('reads a CMYK JPEG in its colours', async () => {
    const pixels = await readPicture(new Blob([bytes(cmykJpeg)]))
    expect([pixels.width, pixels.height]).toEqual([16, 8])
    expect(near(rgb(pixels, 8, 4), [200, 30, 40], 60)).toBe(true)
  })

  it('reads the first frame of an animated GIF', async () => {
    const pixels = await readPicture(new Blob([bytes(animatedGif)]))
    expect([pixels.width, pixels.height]).toEqual([16, 8])
    expect(rgb(pixels, 8, 4)).toEqual([255, 0, 0])
  })

  it('refuses an SVG file, and reads an image element that shows one', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="20" height="10"/></svg>'
    const file = new Blob([svg], { type: 'image/svg+xml' })
    await expect(readPicture(file)).rejects.toEqual(refused('picture-unreadable'))
    const image = new Image()
    image.src = URL.createObjectURL(file)
    await image.decode()
    const pixels = await readPicture(await toTransferablePicture(image))
    expect([pixels.width, pixels.height]).toEqual([20, 10])
    expect(rgb(pixels, 5, 5)).toEqual([0, 0, 0])
  })

  it('waits for an image element that is still being fetched, and not for one that waits to be seen', async () => {
    const url = URL.createObjectURL(await canvasOf(20, 10).convertToBlob())
    const image = new Image()
    image.src = url
    expect(image.complete).toBe(false)
    await whenFetched(image)
    expect(fullSizeOf(image)).toEqual({ width: 20, height: 10 })
    expect(rgb(await readPicture(await toTransferablePicture(image)), 5, 5)).toEqual([255, 0, 0])

    const later = new Image()
    later.loading = 'lazy'
    later.src = URL.createObjectURL(await canvasOf(20, 10).convertToBlob())
    await whenFetched(later)
    expect(later.complete).toBe(false)

    const broken = new Image()
    broken.src = URL.createObjectURL(new Blob(['no picture']))
    await whenFetched(broken)
    await expect(toTransferablePicture(broken)).rejects.toEqual(refused('picture-unreadable'))
  })

  it('tells the upright size of a turned photo', async () => {
    const photo = await turnedJpeg(await canvasOf(1600, 800).convertToBlob({ type: 'image/jpeg' }), 6)
    expect((await readPicture(photo)).full).toEqual({ width: 800, height: 1600 })
    const upright = await turnedJpeg(await canvasOf(1600, 800).convertToBlob({ type: 'image/jpeg' }), 1)
    expect((await readPicture(upright)).full).toEqual({ width: 1600, height: 800 })
  })
})

import { afterAll, describe, expect, it } from 'vitest'
import { openOtherRealm } from '../../testing/other-realm.ts'
import type { PictureSource } from './picture-source.ts'
import { readPicture } from './read-picture.ts'
import { fullSizeOf, toTransferablePicture, whenFetched } from './to-transferable-picture.ts'
import { transferablesOf } from './transferable-picture.ts'

const { realm, close } = openOtherRealm()
afterAll(close)

const canvas = realm.document.createElement('canvas')
canvas.width = 8
canvas.height = 4
const context = canvas.getContext('2d') as CanvasRenderingContext2D
context.fillStyle = '#0f0'
context.fillRect(0, 0, 8, 4)
const png = await new Promise<Blob>((resolve) => canvas.toBlob((blob) => resolve(blob as Blob)))

async function image() {
  const element = new realm.Image()
  element.src = canvas.toDataURL()
  return element
}
const offscreen = () => {
  const drawn = new realm.OffscreenCanvas(8, 4)
  drawn.getContext('2d')?.drawImage(canvas, 0, 0)
  return drawn
}

describe('a picture that a frame made', () => {
  it.each<[string, () => PictureSource | Promise<PictureSource>]>([
    ['HTMLCanvasElement', () => canvas],
    ['HTMLImageElement', image],
    ['OffscreenCanvas', offscreen],
    ['Blob', () => new realm.Blob([png])],
    ['File', () => new realm.File([png], 'green.png')],
    ['ImageData', () => context.getImageData(0, 0, 8, 4)],
    ['ImageBitmap', () => realm.createImageBitmap(canvas)],
    ['VideoFrame', () => new realm.VideoFrame(canvas, { timestamp: 0 })],
  ])('is read: %s', async (name, make) => {
    const source = await make()
    expect(Object.prototype.toString.call(source)).toBe(`[object ${name}]`)
    expect(source).not.toBeInstanceOf(globalThis[name as 'Blob'])
    await whenFetched(source)
    const full = fullSizeOf(source)
    const picture = await toTransferablePicture(source)
    const read = await readPicture(picture)
    expect(full ?? read.full).toEqual({ width: 8, height: 4 })
    expect([...read.data.slice(0, 3)]).toEqual([0, 255, 0])
  })

  it('is moved to the worker where one of this page would be', async () => {
    const bitmap = await realm.createImageBitmap(canvas)
    expect(transferablesOf(bitmap)).toEqual([bitmap])
    const pixels = context.getImageData(0, 0, 8, 4)
    expect(transferablesOf(pixels)).toEqual([pixels.data.buffer])
  })

  it('is refused by what it is: closed, without a picture, or no picture', async () => {
    const bitmap = await realm.createImageBitmap(canvas)
    bitmap.close()
    const refused = [bitmap, realm.document.createElement('video'), realm.document.createElement('p')]
    for (const source of refused as PictureSource[]) {
      await expect(toTransferablePicture(source)).rejects.toMatchObject({ code: 'picture-unreadable' })
    }
  })
})

import { gunzipSync } from 'node:zlib'
import { expect, type Page, type Request, test } from '@playwright/test'
import type { RunOptions } from 'hither'
import type { Hither } from './plain-project/main.ts'
import { openTaskSite, type TaskSite } from './support/task-site.ts'

declare const hither: Hither

let site: TaskSite
test.beforeAll(async () => {
  site = await openTaskSite()
})
test.afterAll(() => site.close())

const edge = { privacy: 'edge-only' } as const
const cloud = { privacy: 'cloud-only' } as const

/** The page with a photo of 1200 × 900 in `photo`: dark noise, one yellow cell of four by four, and a pink one. */
async function openClient(page: Page) {
  await page.goto(site.origin)
  await page.evaluate(async (url) => {
    hither.open({ endpoint: { url } })
    const canvas = Object.assign(document.createElement('canvas'), { width: 1200, height: 900 })
    const pen = canvas.getContext('2d')
    if (pen === null) throw new Error('no canvas')
    const dark = pen.createImageData(1200, 900)
    for (let at = 0; at < dark.data.length; at += 4) dark.data.set([(at * 7919) % 41, (at * 104_729) % 37, 8, 255], at)
    pen.putImageData(dark, 0, 0)
    pen.fillStyle = '#ff0'
    pen.fillRect(300, 225, 300, 225)
    pen.fillStyle = '#f0f'
    pen.fillRect(900, 675, 300, 225)
    const jpeg = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.95))
    if (jpeg === null) throw new Error('no file')
    Object.assign(globalThis, { canvas, photo: new File([jpeg], 'photo.jpg', { type: 'image/jpeg' }) })
  }, site.endpointOrigin)
  const address = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        const reader = new FileReader()
        reader.onload = () => resolve(String(reader.result))
        reader.readAsDataURL((globalThis as unknown as { photo: File }).photo)
      }),
  )
  const body = Buffer.from(address.split(',')[1] ?? '', 'base64')
  await page.route('**/photo.jpg', (route) => route.fulfill({ body, contentType: 'image/jpeg' }))
}

const findIn = (page: Page, kind: string, options: RunOptions) =>
  page.evaluate(
    ([what, given]) =>
      hither.settle(async (client) => {
        const { canvas, photo } = globalThis as unknown as { canvas: HTMLCanvasElement; photo: File }
        const image = async () => {
          const element = Object.assign(new Image(), { src: URL.createObjectURL(photo) })
          await element.decode()
          return element
        }
        const video = async () => {
          const element = Object.assign(document.createElement('video'), { muted: true })
          element.srcObject = canvas.captureStream()
          const shown = new Promise((resolve) => element.requestVideoFrameCallback(resolve))
          const playing = element.play()
          // A canvas that nobody draws on gives no frame.
          const timer = setInterval(() => canvas.getContext('2d')?.fillRect(900, 675, 1, 1), 20)
          await Promise.all([playing, shown]).finally(() => clearInterval(timer))
          return element
        }
        const sources: Record<
          string,
          () => Promise<Parameters<ReturnType<typeof client.task<'object-detection'>>['run']>[0]>
        > = {
          file: async () => photo,
          blob: async () => new Blob([await photo.arrayBuffer()]),
          bitmap: () => createImageBitmap(photo),
          pixels: async () =>
            canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? new ImageData(1, 1),
          canvas: async () => canvas,
          offscreen: async () => {
            const other = new OffscreenCanvas(canvas.width, canvas.height)
            other.getContext('2d')?.drawImage(canvas, 0, 0)
            return other
          },
          image,
          video,
          frame: async () => new VideoFrame(canvas, { timestamp: 0 }),
          address: async () => '/photo.jpg',
          url: async () => new URL('photo.jpg', location.href),
        }
        const source = await sources[what]?.()
        if (source === undefined) throw new Error(what)
        const { answer, route } = await client.task('object-detection', { model: 'blocks' }).run(source, given)
        return { ...answer, ran: route.ran, fileBytes: photo.size }
      }),
    [kind, options] as const,
  )

interface WireHead {
  readonly inputs: { name: string; datatype: string; shape: number[]; parameters: { binary_data_size: number } }[]
}

/** What a request says it carries, and all of its bytes, unpacked. */
function sentBy(request: Request) {
  const sent = request.postDataBuffer()
  if (sent === null) throw new Error('a request without a body')
  const body = request.headers()['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
  const headBytes = Number(request.headers()['inference-header-content-length'])
  const head = JSON.parse(body.subarray(0, headBytes).toString()) as WireHead
  return { body, inputs: head.inputs, tail: body.subarray(headBytes) }
}

const kinds = 'file blob bitmap pixels canvas offscreen image video frame address url'.split(' ')

test('whatever a picture is given as, the same is found here and in the cloud, and only its small bytes leave', async ({
  page,
}) => {
  await openClient(page)
  const sent: Request[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(request)
  })
  for (const kind of kinds) {
    await test.step(kind, async () => {
      const here = await findIn(page, kind, edge)
      expect(sent).toHaveLength(0)
      const there = await findIn(page, kind, cloud)
      if ('error' in here) throw new Error(here.error.join(' '))
      if ('error' in there) throw new Error(there.error.join(' '))
      expect([here.ran, there.ran]).toEqual(['edge', 'cloud'])
      for (const { width, height, detections } of [here, there]) {
        expect([width, height]).toEqual([1200, 900])
        expect(detections.map(({ label }) => label).toSorted()).toEqual(['pink', 'yellow'])
      }
      here.detections.forEach(({ label, score, box }) => {
        const other = there.detections.find((find) => find.label === label)
        // A video shows its own shades; otherwise the pixels are the same, and so is every number.
        expect(Math.abs(score - (other?.score ?? 9))).toBeLessThan(kind === 'video' ? 0.05 : 1e-5)
        const [x, y] = label === 'yellow' ? [300, 225] : [900, 675]
        for (const [value, wanted] of [
          [box.x, x],
          [box.y, y],
          [box.width, 300],
          [box.height, 225],
          [other?.box.x, x],
          [other?.box.y, y],
        ] as const) {
          expect(Math.abs((value ?? -9) - wanted)).toBeLessThan(0.1)
        }
      })
      // A photo of hundreds of kilobytes leaves as one byte for each number of the model's input, and a little around them.
      expect(here.fileBytes).toBeGreaterThan(100_000)
      expect(sent).toHaveLength(1)
      const [request] = sent.splice(0)
      if (request === undefined) throw new Error('nothing was sent')
      const { body, inputs, tail } = sentBy(request)
      expect(inputs).toEqual([
        { name: 'picture', datatype: 'UINT8', shape: [1, 3, 64, 64], parameters: { binary_data_size: 3 * 64 * 64 } },
      ])
      expect(tail.length).toBe(3 * 64 * 64)
      expect(body.length).toBeLessThan(3 * 64 * 64 + 1000)
    })
  }
})

test('of a drawing, the 28 by 28 bytes that the model reads leave', async ({ page }) => {
  await openClient(page)
  const asked = page.waitForRequest((request) => request.url().endsWith('/infer'))
  const answer = await page.evaluate(() =>
    hither.settle(async (client) => {
      const { photo } = globalThis as unknown as { photo: File }
      return (await client.task('image-classification', { model: 'digits' }).run(photo, { privacy: 'cloud-only' }))
        .route.ran
    }),
  )
  expect(answer).toBe('cloud')
  const { body, inputs } = sentBy(await asked)
  expect(inputs).toMatchObject([{ name: 'image', datatype: 'UINT8', shape: [1, 1, 28, 28] }])
  expect(body.length).toBeLessThan(28 * 28 + 1000)
})

test('files are decoded and resized, boxes read, text and sound prepared away from the page’s thread', async ({
  page,
}) => {
  await openClient(page)
  const calls = await page.evaluate(async () => {
    const { photo } = globalThis as unknown as { photo: File }
    const counts: Record<string, number> = {}
    const count = (owner: object, name: string) => {
      counts[name] = 0
      const original = Reflect.get(owner, name)
      Reflect.set(owner, name, function (this: unknown, ...given: unknown[]) {
        counts[name] = (counts[name] ?? 0) + 1
        return Reflect.apply(original, this, given)
      })
    }
    count(globalThis, 'createImageBitmap')
    count(CanvasRenderingContext2D.prototype, 'getImageData')
    count(OffscreenCanvasRenderingContext2D.prototype, 'getImageData')
    // Only the steps of text, the resampler and the reading of a grid use these.
    count(String.prototype, 'normalize')
    count(Math, 'sin')
    count(Math, 'tanh')
    const tone = Float32Array.from({ length: 4800 }, (_, i) => (i % 48) / 48)
    const { client } = hither
    const found = await client?.task('object-detection', { model: 'blocks' }).run(photo)
    const read = await client?.task('text-classification', { model: 'language-identification' }).run('Wie geht es dir?')
    const heard = await client?.task('voice-activity', { model: 'loudness' }).run({ samples: tone, rateHz: 48_000 })
    return { counts, found: found?.answer.detections.length, read: read?.answer.label, heard: heard?.answer.windowMs }
  })
  expect(calls).toEqual({
    counts: { createImageBitmap: 0, getImageData: 0, normalize: 0, sin: 0, tanh: 0 },
    found: 2,
    read: 'de',
    heard: 32,
  })
})

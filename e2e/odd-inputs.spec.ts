import { expect, type Page, test } from '@playwright/test'
import type { RunOptions } from 'hither'
import { animatedGif, cmykJpeg } from '../src/testing/odd-pictures.ts'
import { wav } from '../src/testing/wav.ts'
import type { Hither } from './plain-project/main.ts'
import { openTaskSite, type TaskSite } from './support/task-site.ts'

declare const hither: Hither

let site: TaskSite
test.beforeAll(async () => {
  site = await openTaskSite()
})
test.afterAll(() => site.close())

/** Files of the page's own origin, by name. */
const openClient = async (page: Page, files: Readonly<Record<string, Uint8Array>> = {}) => {
  await page.route('**/made/**', (route) => {
    const body = files[new URL(route.request().url()).pathname.split('/made/')[1] ?? '']
    return body === undefined ? route.abort() : route.fulfill({ body: Buffer.from(body), contentType: 'image/png' })
  })
  await page.goto(site.origin)
  await page.evaluate((url) => hither.open({ endpoint: { url } }), site.endpointOrigin)
}

const arms = [{ privacy: 'edge-only' }, { privacy: 'cloud-only' }] as const satisfies readonly RunOptions[]
const refused = (code: string) => ({ error: ['ValidationError', code, expect.any(String)] })

test('odd texts are read alike here and in the cloud, as docs/tasks.md says', async ({ page }) => {
  await openClient(page)
  const sizes: number[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/infer')) sizes.push(request.postDataBuffer()?.length ?? 0)
  })
  // A text of many megabytes is made in the page: what is tested is not how it gets there.
  const read = (before: number, text: string, times: number, options: RunOptions) =>
    page.evaluate(
      ([spaces, piece, count, given]) =>
        hither.settle(async (client) => {
          const whole = ' '.repeat(spaces) + piece.repeat(count)
          const { answer, route } = await client
            .task('text-classification', { model: 'language-identification' })
            .run(whole, given)
          const classes = Object.fromEntries(answer.classes.map(({ label, probability }) => [label, probability]))
          return { label: answer.label, classes, ran: route.ran }
        }),
      [before, text, times, options] as const,
    )
  const german = 'Der Zug nach Hamburg fährt heute leider später ab. '
  const cases: readonly [name: string, before: number, text: string, times: number, label?: string][] = [
    ['10 MB', 0, german, 200_000, 'de'],
    ['5 MB of white space first', 5_000_000, german, 1, 'de'],
    ['a lone surrogate', 0, `Wo ist \ud83d der Bahnhof? \udc00`, 1, 'de'],
    ['emoji in between', 0, '😀👩‍👩‍👧 Wo ist der Bahnhof? 🇩🇪', 1, 'de'],
    ['nothing but emoji', 0, '😀👩‍👩‍👧', 1],
    ['right to left', 0, 'איפה תחנת הרכבת?', 1, 'he'],
    ['both directions, with marks of direction', 0, '\u202bאיפה תחנת הרכבת\u202c (Bahnhof)?', 1],
    ['a letter in two code points', 0, 'C’est l’e\u0301te\u0301, et la foret est tre\u0300s verte.', 1, 'fr'],
    ['NUL and other signs', 0, '\u0000\u0001\u200b', 1],
  ]
  for (const [name, before, text, times, label] of cases) {
    await test.step(name, async () => {
      const [here, there] = [await read(before, text, times, arms[0]), await read(before, text, times, arms[1])]
      if ('error' in here) throw new Error(here.error.join(' '))
      if ('error' in there) throw new Error(there.error.join(' '))
      expect([here.ran, there.ran, there.label]).toEqual(['edge', 'cloud', here.label])
      if (label !== undefined) expect(here.label).toBe(label)
      for (const [key, value] of Object.entries(here.classes)) {
        expect(Math.abs(value - (there.classes[key] ?? 9))).toBeLessThan(1e-4)
      }
    })
  }
  // Four bytes a code point, 512 of them at most.
  expect(Math.max(...sizes)).toBeLessThan(4 * 512 + 1000)
  for (const [before, text] of [
    [0, ''],
    [7, '\n\t\u3000'],
  ] as const) {
    for (const options of arms) expect(await read(before, text, 1, options)).toEqual(refused('text-empty'))
  }
  expect(sizes).toHaveLength(cases.length)
})

test('odd pictures have their answers, on both arms', async ({ page }) => {
  await openClient(page, {
    'cmyk.jpg': Buffer.from(cmykJpeg, 'base64'),
    'animated.gif': Buffer.from(animatedGif, 'base64'),
    'picture.svg': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"></svg>'),
    'empty.png': new Uint8Array(),
    'text.png': Buffer.from('I am no picture.'),
    // A PNG whose header says 10,000 × 10,000.
    'huge.png': Buffer.from('89504e470d0a1a0a0000000d49484452000027100000271008060000009f5f9d5b', 'hex'),
    // A BMP whose header says 0 × 0.
    'none.bmp': Buffer.concat([Buffer.from('BM'), Buffer.alloc(12), Buffer.of(40, 0, 0, 0), Buffer.alloc(40)]),
  })
  const find = (what: string, options: RunOptions) =>
    page.evaluate(
      ([name, given]) =>
        hither.settle(async (client) => {
          const red = async (width: number, height: number) => {
            const canvas = new OffscreenCanvas(width, height)
            const pen = canvas.getContext('2d')
            if (pen === null) throw new Error('no canvas')
            pen.fillStyle = '#f00'
            pen.fillRect(0, 0, width, height)
            return canvas.convertToBlob()
          }
          const [width = 0, height = 0] = name.split('×').map(Number)
          const task = client.task('object-detection', { model: 'blocks' })
          const picture =
            name === '0×0'
              ? Object.assign(document.createElement('canvas'), { width: 0, height: 0 })
              : name.includes('×')
                ? await red(width, height)
                : await (await fetch(`/made/${name}`)).blob()
          const { answer, route } = await task.run(picture, given)
          const labels = [...new Set(answer.detections.map(({ label }) => label))]
          const inside = answer.detections.every(
            ({ box }) => box.x >= 0 && box.y >= 0 && box.x + box.width <= answer.width + 1e-3,
          )
          return { size: [answer.width, answer.height], labels, inside, ran: route.ran }
        }),
      [what, options] as const,
    )
  for (const options of arms) {
    const ran = options === arms[0] ? 'edge' : 'cloud'
    const red = (width: number, height: number) => ({ size: [width, height], labels: ['red'], inside: true, ran })
    expect(await find('1×1', options)).toEqual(red(1, 1))
    expect(await find('20000×1', options)).toEqual(red(20_000, 1))
    expect(await find('1×20000', options)).toEqual(red(1, 20_000))
    expect(await find('cmyk.jpg', options)).toEqual(red(16, 8))
    // Its second frame is blue.
    expect(await find('animated.gif', options)).toEqual(red(16, 8))
    expect(await find('picture.svg', options)).toEqual(refused('picture-unreadable'))
    expect(await find('text.png', options)).toEqual(refused('picture-unreadable'))
    expect(await find('empty.png', options)).toEqual(refused('picture-unreadable'))
    expect(await find('0×0', options)).toEqual(refused('picture-empty'))
    expect(await find('none.bmp', options)).toEqual(refused('picture-empty'))
    expect(await find('huge.png', options)).toEqual(refused('picture-too-large'))
  }
})

test('sound files of any rate and channels, of silence and of NaN have their answers', async ({ page }) => {
  // Half a second of silence, half a second of a tone, and silence again.
  const made = (rateHz: number, value: (at: number) => number) =>
    Float32Array.from({ length: 1.5 * rateHz }, (_, at) => value(at))
  const tone = (rateHz: number) =>
    made(rateHz, (at) => (at < rateHz / 2 || at >= rateHz ? 0 : 0.9 * Math.sin((2 * Math.PI * 440 * at) / rateHz)))
  const files: Record<string, Uint8Array> = {}
  const tones = [
    [8000, 1],
    [16_000, 2],
    [22_050, 1],
    [44_100, 2],
    [48_000, 6],
    [96_000, 2],
    [192_000, 1],
    [192_000, 6],
  ] as const
  for (const [rateHz, count] of tones) {
    files[`${rateHz}-${count}.wav`] = wav(
      Array.from({ length: count }, () => tone(rateHz)),
      rateHz,
    )
  }
  files['silence.wav'] = wav([made(48_000, () => 0)], 48_000)
  files['nan.wav'] = wav([made(48_000, () => Number.NaN)], 48_000)
  files['infinite.wav'] = wav([made(16_000, (at) => (at === 99 ? Number.POSITIVE_INFINITY : 0))], 16_000)
  files['no-samples.wav'] = wav([new Float32Array()], 16_000)
  files['empty.wav'] = new Uint8Array()
  files['text.wav'] = Buffer.from('I am no sound.')
  await openClient(page, files)
  const hear = (name: string, options: RunOptions) =>
    page.evaluate(
      ([path, given]) =>
        hither.settle(async (client) => {
          const file = await (await fetch(`/made/${path}`)).blob()
          const { answer, route } = await client.task('voice-activity', { model: 'loudness' }).run(file, given)
          const { segments, probabilities, windowMs } = answer
          return { segments, finite: probabilities.every(Number.isFinite), windowMs, ran: route.ran }
        }),
      [name, options] as const,
    )
  for (const options of arms) {
    const ran = options === arms[0] ? 'edge' : 'cloud'
    for (const [rateHz, count] of ran === 'edge' ? tones : tones.slice(4, 5)) {
      const got = await hear(`${rateHz}-${count}.wav`, options)
      if ('error' in got) throw new Error(`${rateHz} ${count}: ${got.error.join(' ')}`)
      expect(got).toMatchObject({ finite: true, windowMs: 32, ran })
      expect(got.segments, `${rateHz} Hz, ${count} channels`).toHaveLength(1)
      const [{ startMs, endMs } = { startMs: -1, endMs: -1 }] = got.segments
      expect(Math.abs(startMs - 500)).toBeLessThanOrEqual(32)
      expect(Math.abs(endMs - 1000)).toBeLessThanOrEqual(64)
    }
    for (const name of ['silence.wav', 'nan.wav', 'infinite.wav']) {
      expect(await hear(name, options), name).toEqual({ segments: [], finite: true, windowMs: 32, ran })
    }
    expect(await hear('empty.wav', options)).toEqual(refused('sound-empty'))
    expect(await hear('text.wav', options)).toEqual(refused('sound-unreadable'))
    // Browsers refuse to decode a file without samples, too.
    expect(await hear('no-samples.wav', options)).toMatchObject({
      error: ['ValidationError', expect.stringMatching(/^sound-(empty|unreadable)$/), expect.any(String)],
    })
  }
})

import { expect, type Page, test } from '@playwright/test'
import type { RunOptions } from 'hither'
import type { Hither } from './plain-project/main.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'
import { hasShared, openTaskModels, sharedFile } from './support/task-models.ts'

declare const hither: Hither

let project: ReturnType<typeof buildPlainProject>
let models: Awaited<ReturnType<typeof openTaskModels>>
let site: Site

test.beforeAll(async () => {
  project = buildPlainProject()
  models = await openTaskModels()
  const link = { roundTripMs: 1, bitsPerSecond: 1e9 }
  site = await openSite({ appDir: project.appDir, modelsDir: models.modelsDir, link, connectTo: [models.origin] })
})
test.afterAll(async () => {
  await site.close()
  models.close()
})

const openClient = async (page: Page) => {
  await page.route('**/shared/**', (route) => {
    const name = new URL(route.request().url()).pathname.split('/shared/')[1] ?? ''
    return route.fulfill({ body: sharedFile(name), contentType: 'application/octet-stream' })
  })
  await page.goto(site.origin)
  await page.evaluate((url) => hither.open({ endpoint: { url } }), site.endpointOrigin)
}

/** Says why, and only where the models of others are not there. */
const needsShared = () => {
  if (!hasShared) console.log('skipped: ../shared/models is not here')
  test.skip(!hasShared, '../shared/models is not here')
}

const edge = { privacy: 'edge-only' } as const
const cloud = { privacy: 'cloud-only' } as const

test('sound of any rate, channels and content has its answer, and the model’s state goes along', async ({ page }) => {
  await openClient(page)
  const run = (kind: string, rateHz: number, channels: number, options: RunOptions = edge) =>
    page.evaluate(
      ([what, rate, count, given]) =>
        hither.settle(async (client) => {
          const make = (): Float32Array => {
            const length = what === 'empty' ? 0 : rate
            return Float32Array.from({ length }, (_, i) => {
              if (what === 'nan') return Number.NaN
              if (what === 'silence' || i < length / 2) return 0
              return 0.9 * Math.sin((2 * Math.PI * 440 * i) / rate)
            })
          }
          const samples = Array.from({ length: count }, make)
          const { answer } = await client
            .task('voice-activity', { model: 'loudness' })
            .run({ samples, rateHz: rate }, given)
          return { segments: answer.segments, probabilities: [...answer.probabilities], windowMs: answer.windowMs }
        }),
      [kind, rateHz, channels, options] as const,
    )

  for (const [rateHz, channels] of [
    [8000, 1],
    [11_025, 2],
    [44_100, 2],
    [48_000, 6],
    [192_000, 1],
  ] as const) {
    const got = await run('tone', rateHz, channels)
    if ('error' in got) throw new Error(`${rateHz} ${channels}: ${got.error.join(' ')}`)
    expect(got.windowMs).toBe(32)
    expect(got.segments).toHaveLength(1)
    expect(Math.abs((got.segments[0]?.startMs ?? 0) - 500)).toBeLessThanOrEqual(32)
  }
  for (const options of [edge, cloud]) {
    for (const kind of ['silence', 'nan']) {
      const got = await run(kind, 16_000, 1, options)
      if ('error' in got) throw new Error(got.error.join(' '))
      expect(got.segments).toEqual([])
      // What the model adds in each window shows that its state went along.
      got.probabilities.forEach((probability, index) => {
        expect(probability).toBeCloseTo(index / 1000, 5)
      })
    }
  }
  expect(await run('empty', 16_000, 1)).toMatchObject({ error: ['ValidationError', 'sound-empty', expect.any(String)] })
  expect(await run('tone', 100, 1)).toMatchObject({
    error: ['ValidationError', 'sound-unreadable', expect.any(String)],
  })
  expect(
    await page.evaluate(() =>
      hither.settle((client) => client.task('voice-activity', { model: 'loudness' }).run(new Blob(['no sound']))),
    ),
  ).toMatchObject({ error: ['ValidationError', 'sound-unreadable', expect.any(String)] })
})

test('raw tensors go in and come out by their names, on both arms', async ({ page }) => {
  await openClient(page)
  const run = (options: RunOptions, length = 576, model: string | undefined = 'loudness') =>
    page.evaluate(
      ([given, count, name]) =>
        hither.settle(async (client, Tensor) => {
          const task = client.task('tensors', name === '' ? {} : { model: name })
          const sound = new Tensor('float32', new Float32Array(count).fill(-0.5), [1, count])
          const { outputs, route } = await task.run({ sound, count: new Tensor('float32', [0.125], [1, 1]) }, given)
          const values = Object.entries(outputs).map(([key, { data, dims }]) => [key, Number(data[0]), dims])
          return { values: values.toSorted(), ran: route.ran }
        }),
      [options, length, model] as const,
    )
  for (const options of [edge, cloud]) {
    expect(await run(options)).toEqual({
      values: [
        ['loud', 0.375, [1, 1]],
        ['next', expect.closeTo(0.126, 6), [1, 1]],
      ],
      ran: options === edge ? 'edge' : 'cloud',
    })
    expect(await run(options, 9)).toMatchObject({ error: ['ValidationError', 'input-shape', expect.any(String)] })
  }
  // The catalogue has no model of this task that could stand in.
  expect(await run(edge, 576, '')).toMatchObject({
    error: ['ValidationError', 'unknown-model', expect.stringContaining('tensors')],
  })
})

test('a task refuses what is not its own', async ({ page }) => {
  await openClient(page)
  const wrong = await page.evaluate(() =>
    hither.settle((client) => client.task('face-detection', { model: 'digits' }).run(new ImageData(4, 4))),
  )
  expect(wrong).toMatchObject({ error: ['ValidationError', 'options-invalid', expect.stringContaining('digits')] })
  const none = await page.evaluate(() => hither.settle(async (client) => client.task('flying' as 'tensors')))
  expect(none).toMatchObject({
    error: ['ValidationError', 'options-invalid', expect.stringContaining('face-detection')],
  })
})

test('faces are counted as beside the photos, alike here and in the cloud, and only bytes leave', async ({ page }) => {
  needsShared()
  await openClient(page)
  const sizes: number[] = []
  page.on('request', (request) => {
    if (request.url().endsWith('/infer')) sizes.push(request.postDataBuffer()?.length ?? 0)
  })
  const find = (name: string, options: RunOptions) =>
    page.evaluate(
      ([path, given]) =>
        hither.settle(async (client) => {
          const { answer, route } = await client.task('face-detection').run(`/shared/${path}`, given)
          return { ...answer, ran: route.ran }
        }),
      [name, options] as const,
    )
  for (const [name, count] of [
    ['13', 2],
    ['19', 5],
    ['2', 4],
    ['23', 3],
    ['24', 9],
    ['27', 70],
  ] as const) {
    const here = await find(`ultraface/images/${name}.jpg`, edge)
    const there = await find(`ultraface/images/${name}.jpg`, cloud)
    if ('error' in here) throw new Error(here.error.join(' '))
    if ('error' in there) throw new Error(there.error.join(' '))
    expect(here.ran).toBe('edge')
    expect(there.ran).toBe('cloud')
    expect(here.detections.length, `${name}.jpg`).toBe(count)
    expect(there.detections.length, `${name}.jpg`).toBe(count)
    here.detections.forEach(({ box, score }, index) => {
      const other = there.detections[index]
      expect(Math.abs(score - (other?.score ?? 9))).toBeLessThan(1e-3)
      expect(Math.abs(box.x - (other?.box.x ?? -9))).toBeLessThan(1)
      expect(box.x + box.width).toBeLessThanOrEqual(here.width)
      expect(box.y + box.height).toBeLessThanOrEqual(here.height)
    })
  }
  // From the mirror, by the path of the real address.
  expect(models.asked.filter((path) => path.endsWith('/models/onnx/version-RFB-320.onnx')).length).toBeGreaterThan(0)
  // One byte for each number of the input, and a little around it.
  expect(Math.max(...sizes)).toBeLessThan(3 * 320 * 240 + 2000)
  expect(sizes).toHaveLength(6)
})

test('a person is found in 3.jpg with the score that is written down', async ({ page }) => {
  needsShared()
  await openClient(page)
  const scores: number[] = []
  for (const options of [edge, cloud]) {
    const found = await page.evaluate(
      (given) =>
        hither.settle(
          async (client) =>
            (await client.task('object-detection').run('/shared/fastestdet/images/3.jpg', given)).answer,
        ),
      options as RunOptions,
    )
    if ('error' in found) throw new Error(found.error.join(' '))
    const [best] = found.detections
    console.log(`FastestDet, 3.jpg: ${best?.label} ${best?.score.toFixed(4)}`)
    expect(best?.label).toBe('person')
    expect(Math.abs((best?.score ?? 0) - 0.899)).toBeLessThan(0.002)
    scores.push(best?.score ?? 0)
  }
  expect(Math.abs((scores[0] ?? 0) - (scores[1] ?? 1))).toBeLessThan(1e-3)
})

test('speech is found in test.wav as the reference has it, from a file, on both arms', async ({ page }) => {
  needsShared()
  await openClient(page)
  const reference = sharedFile('silero-vad/test_expected_probs_op15.csv').toString().trim().split('\n').map(Number)
  const run = (options: RunOptions, most: number) =>
    page.evaluate(
      ([given, limit]) =>
        hither.settle(async (client) => {
          const file = await (await fetch('/shared/silero-vad/test.wav')).blob()
          const probabilities: number[] = []
          for await (const { probability } of client
            .task('voice-activity', { model: 'silero-vad' })
            .listen(file, given)) {
            probabilities.push(probability)
            if (probabilities.length === limit) break
          }
          return { probabilities }
        }),
      [options, most] as const,
    )
  for (const [options, most] of [
    [edge, reference.length],
    [cloud, 200],
  ] as const) {
    const got = await run(options, most)
    if ('error' in got) throw new Error(got.error.join(' '))
    const differences = got.probabilities.map((value, index) => Math.abs(value - (reference[index] ?? 9)))
    console.log(
      `Silero, ${options.privacy}: ${most} windows, largest difference ${Math.max(...differences).toExponential(2)}`,
    )
    expect(got.probabilities).toHaveLength(most)
    expect(Math.max(...differences)).toBeLessThan(1e-3)
  }
})

test('what a small model is unsure of is asked of its larger one, on both arms, and the record tells of it', async ({
  page,
}) => {
  await openClient(page)
  const ask = (text: string, options: RunOptions) =>
    page.evaluate(
      ([what, given]) =>
        hither.settle(async (client) => {
          const routes: string[] = []
          const stop = client.on('route', ({ model }) => routes.push(model))
          const { answer, route } = await client
            .task('text-classification', { model: 'intents-small' })
            .run(what, given)
          stop()
          return { label: answer.label, route, routes }
        }),
      [text, options] as const,
    )
  // Nobody waits for ten megabytes to be surer: this time the small model's answer stands.
  const unready = await ask('my card got eaten by the machine', edge)
  expect(unready).toMatchObject({ route: { model: 'intents-small', cascade: { outcome: 'large-absent' } } })
  await page.evaluate(() => hither.client?.prepare('intents-large'))
  for (const options of [edge, cloud]) {
    const ran = options === edge ? 'edge' : 'cloud'
    const sure = await ask('How much money is left in my checking account?', options)
    expect(sure).toMatchObject({
      label: 'balance',
      route: { ran, model: 'intents-small', cascade: { outcome: 'confident', large: 'intents-large' } },
      routes: ['intents-small'],
    })
    const unsure = await ask('my card got eaten by the machine', options)
    expect(unsure).toMatchObject({
      label: 'damaged_card',
      route: {
        ran,
        model: 'intents-large',
        cascade: { outcome: 'large-answered', minConfidence: 0.89, small: { model: 'intents-small', ran } },
      },
      routes: ['intents-large'],
    })
    if ('error' in unsure) throw new Error(unsure.error.join(' '))
    expect(unsure.route.cascade?.small.confidence).toBeCloseTo(0.307, 1)
    const alone = await ask('my card got eaten by the machine', { ...options, cascade: false })
    expect(alone).toMatchObject({ route: { model: 'intents-small' } })
    expect('route' in alone && alone.route.cascade).toBeUndefined()
  }
})

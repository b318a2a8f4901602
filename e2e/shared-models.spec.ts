import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, expect, type Page, test } from '@playwright/test'
import { readTensorProto } from '../bench/support/onnx-files.ts'
import {
  hasSharedModels,
  lightNets,
  sharedModels,
  sharedPath,
  writeSharedModels,
} from '../bench/support/shared-models.ts'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { Hither } from './plain-project/main.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'

declare const hither: Hither

const { ultraface, fastestdet, mobilenet, silero, gpt2 } = sharedModels
const nets = lightNets.map((name) => sharedModels[name])

let project: ReturnType<typeof buildPlainProject> | undefined
let modelsDir: string | undefined
let site: Site | undefined
/** A browser with a software WebGPU adapter. */
let adapted: Browser | undefined

test.beforeAll(async () => {
  if (!hasSharedModels) {
    console.log('../shared/models is not there: people’s models are not run')
    return
  }
  project = buildPlainProject()
  modelsDir = mkdtempSync(join(tmpdir(), 'hither-shared-'))
  await writeSharedModels(modelsDir, [ultraface, fastestdet, mobilenet, silero, gpt2, ...nets])
  site = await openSite({ appDir: project.appDir, modelsDir })
})
test.afterAll(async () => {
  await adapted?.close()
  await site?.close()
  if (modelsDir !== undefined) rmSync(modelsDir, { recursive: true, force: true })
})
test.beforeEach(() => {
  test.skip(!hasSharedModels, '../shared/models is not there: people’s models are not run')
})

const open = async (page: Page, options: Parameters<Hither['open']>[0] = {}) => {
  await page.goto(site?.origin ?? '')
  await page.evaluate((given) => hither.open(given), options)
}
/** The same page on each backend; a failure names it. */
async function onEach(page: Page, work: (page: Page, backend: 'wasm' | 'webgpu') => Promise<void>) {
  await open(page, { runtime: { backends: ['wasm'] } })
  await test.step('wasm', () => work(page, 'wasm'))
  adapted ??= await chromium.launch({
    executablePath: findBrowser(),
    args: [...browserArgs, '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  })
  const other = await adapted.newPage()
  await open(other, { runtime: { backends: ['webgpu'] } })
  await test.step('webgpu', () => work(other, 'webgpu'))
  await other.close()
}
const worst = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? Number.NaN))))
const base64 = (path: string) => readFileSync(sharedPath(path)).toString('base64')

/** Runs a picture through a model: scaled to its input, the channels in the order and on the scale that it takes. */
const seePicture = (
  page: Page,
  model: string,
  path: string,
  input: { name: string; width: number; height: number; bgr?: boolean; mean: number[]; scale: number[] },
) =>
  page.evaluate(
    async ([name, encoded, { name: inputName, width, height, bgr, mean, scale }]) => {
      const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
      const picture = await createImageBitmap(new Blob([bytes]))
      const canvas = new OffscreenCanvas(width, height)
      const context = canvas.getContext('2d')
      if (context === null) throw new Error('no canvas')
      context.imageSmoothingQuality = 'high'
      context.drawImage(picture, 0, 0, width, height)
      const { data } = context.getImageData(0, 0, width, height)
      const values = new Float32Array(3 * width * height)
      for (let channel = 0; channel < 3; channel += 1) {
        const from = bgr ? 2 - channel : channel
        for (let at = 0; at < width * height; at += 1) {
          values[channel * width * height + at] =
            ((data[at * 4 + from] ?? 0) - (mean[channel] ?? 0)) / (scale[channel] ?? 1)
        }
      }
      const { client, Tensor } = { client: hither.client, Tensor: hither.Tensor }
      const answer = await client?.run(name, { [inputName]: new Tensor('float32', values, [1, 3, height, width]) })
      return Object.fromEntries(
        Object.entries(answer?.outputs ?? {}).map(([key, tensor]) => [key, Array.from(tensor.data as Float32Array)]),
      )
    },
    [model, base64(path), input] as const,
  )

test('a face is found alike on each backend', async ({ page }) => {
  const found: Record<string, number[]> = {}
  await onEach(page, async (each, backend) => {
    const { scores = [] } = await seePicture(each, 'ultraface', 'ultraface/images/13.jpg', {
      name: 'input',
      width: 320,
      height: 240,
      mean: [127, 127, 127],
      scale: [128, 128, 128],
    })
    found[backend] = scores.filter((_, index) => index % 2 === 1)
  })
  expect(Math.max(...(found.wasm ?? []))).toBeGreaterThan(0.95)
  expect(worst(found.wasm ?? [], found.webgpu ?? [])).toBeLessThan(1e-3)
})

test('detectors and classifiers see what is in a picture', async ({ page }) => {
  await open(page)
  const { 758: grid = [] } = await seePicture(page, 'fastestdet', 'fastestdet/images/3.jpg', {
    name: 'input.1',
    width: 352,
    height: 352,
    bgr: true,
    mean: [0, 0, 0],
    scale: [255, 255, 255],
  })
  const cells = 22 * 22
  const scoreOf = (cell: number, kind: number) =>
    (grid[cell] ?? 0) ** 0.6 * (grid[(5 + kind) * cells + cell] ?? 0) ** 0.4
  const found = Array.from({ length: 80 }, (_, kind) =>
    Math.max(...Array.from({ length: cells }, (_, cell) => scoreOf(cell, kind))),
  )
  expect(found.indexOf(Math.max(...found))).toBe(0) // a person
  expect(found[0]).toBeGreaterThan(0.8)

  const { output = [] } = await seePicture(page, 'mobilenet', 'mobilenetv2/images/goldfish.jpg', {
    name: 'input',
    width: 224,
    height: 224,
    mean: [0.485, 0.456, 0.406].map((part) => part * 255),
    scale: [0.229, 0.224, 0.225].map((part) => part * 255),
  })
  expect(output.indexOf(Math.max(...output))).toBe(1) // a goldfish
})

test('nets of real shapes give what was written down', async ({ page }) => {
  await open(page)
  for (const { name, path, inputs } of nets) {
    const expected = readTensorProto(readFileSync(sharedPath(path.replace('.onnx', '_output_0.pb'))))
    const got = await page.evaluate(
      async ([model, input]) => {
        const size = 3 * 224 * 224
        const ramp = Float32Array.from({ length: size }, (_, index) => index / size)
        const x = new hither.Tensor('float32', ramp, [1, 3, 224, 224])
        const answer = await hither.client?.run(model, { [input]: x })
        const [output] = Object.values(answer?.outputs ?? {})
        return { dims: output?.dims, data: Array.from(output?.data as Float32Array) }
      },
      [name, inputs[0]?.name ?? ''] as const,
    )
    expect([name, got.dims]).toEqual([name, expected?.dims])
    expect(worst(expected?.data.map(Number) ?? [], got.data)).toBeLessThan(1e-4)
  }
})

test('a stream of sound keeps its state from frame to frame, as the recorded probabilities show', async ({ page }) => {
  const expected = readFileSync(sharedPath('silero-vad/test_expected_probs_op15.csv'), 'utf8')
    .trim()
    .split('\n')
    .map(Number)
  const wav = readFileSync(sharedPath('silero-vad/test.wav'))
  const start = wav.indexOf('data') + 8
  const samples = wav.subarray(start, start + expected.length * 512 * 2).toString('base64')
  await open(page)
  const got = await page.evaluate(
    async ([encoded, count]) => {
      const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
      const sound = Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_768)
      const session = await hither.client?.openSession('silero')
      const sr = new hither.Tensor('int64', BigInt64Array.of(16_000n), [])
      const answers: number[] = []
      for (let frame = 0; frame < count; frame += 1) {
        // A frame takes the last 64 samples of the one before it along.
        const input = new Float32Array(576)
        const from = frame * 512 - 64
        input.set(sound.subarray(Math.max(0, from), frame * 512 + 512), from < 0 ? 64 : 0)
        const answer = await session?.run({ input: new hither.Tensor('float32', input, [1, 576]), sr })
        answers.push(Number(answer?.outputs.output?.data[0]))
      }
      await session?.close()
      return answers
    },
    [samples, expected.length] as const,
  )
  expect(got).toHaveLength(expected.length)
  expect(worst(got, expected)).toBeLessThan(2e-3)
})

/** The logits of the last of these tokens: token by token with what was kept, and all at once. */
const continueText = (page: Page) =>
  page.evaluate(async () => {
    const tokens = [464, 318, 257, 12, 900, 7]
    const session = await hither.client?.openSession('gpt2')
    const run = async (ids: number[], before: number) => {
      const int = (values: number[]) => new hither.Tensor('int32', Int32Array.from(values), [1, values.length])
      const answer = await session?.run({
        input_ids: int(ids),
        position_ids: int(ids.map((_, index) => before + index)),
        attention_mask: int(Array.from({ length: before + ids.length }, () => 1)),
      })
      return {
        backend: answer?.backend,
        names: Object.keys(answer?.outputs ?? {}),
        last: Array.from((answer?.outputs.logits?.data ?? []) as Float32Array).slice(-1_000),
      }
    }
    let step: Awaited<ReturnType<typeof run>> | undefined
    for (const [index, token] of tokens.entries()) step = await run([token], index)
    session?.reset()
    const whole = await run(tokens, 0)
    await session?.close()
    return { ...whole, stepped: step?.last ?? [] }
  })

test('a language model continues from its cache of keys and values, in memory or on the graphics processor', async ({
  page,
}) => {
  const logits: Record<string, readonly number[]> = {}
  await onEach(page, async (each, backend) => {
    const { stepped, last, ...run } = await continueText(each)
    expect(run).toEqual({ backend, names: ['logits'] })
    expect(worst(stepped, last)).toBeLessThan(1e-3)
    logits[backend] = last
  })
  expect(worst(logits.wasm ?? [], logits.webgpu ?? [])).toBeLessThan(1e-3)
})

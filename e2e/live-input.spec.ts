import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import type { RunOptions } from 'hither'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import { wav } from '../src/testing/wav.ts'
import type { Hither } from './plain-project/main.ts'
import { openTaskSite, type TaskSite } from './support/task-site.ts'

declare const hither: Hither

// What the browser's microphone hears, over and over: a loud tone that 16 kHz cannot hold, and a soft one that it can.
const rateHz = 48_000
const tone = (hz: number, level: number, at: number) => level * Math.sin((2 * Math.PI * hz * at) / rateHz)
const heardFolder = mkdtempSync(join(tmpdir(), 'hither-microphone-'))
const heardFile = join(heardFolder, 'heard.wav')
const samples = Float32Array.from({ length: rateHz }, (_, at) => tone(12_000, 0.6, at) + tone(1_000, 0.3, at))
writeFileSync(heardFile, wav([samples, samples], rateHz))
process.once('exit', () => rmSync(heardFolder, { recursive: true, force: true }))

const media = [
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  `--use-file-for-fake-audio-capture=${heardFile}`,
]
test.use({
  launchOptions: { executablePath: findBrowser(), args: [...browserArgs, ...media] },
  permissions: ['camera', 'microphone'],
})

let site: TaskSite
test.beforeAll(async () => {
  site = await openTaskSite()
})
test.afterAll(() => site.close())

const openClient = async (page: Page) => {
  await page.goto(site.origin)
  await page.evaluate((url) => hither.open({ endpoint: { url } }), site.endpointOrigin)
}

const edge = { privacy: 'edge-only' } as const
const cloud = { privacy: 'cloud-only' } as const

test('a camera is answered at the rate the device manages, and frames between are left out', async ({ page }) => {
  await openClient(page)
  const seen = await page.evaluate(() =>
    hither.settle(async (client) => {
      const camera = await navigator.mediaDevices.getUserMedia({ video: { frameRate: 30 } })
      const task = client.task('image-classification', { model: 'digits' })
      const screen = Object.assign(document.createElement('video'), { srcObject: camera, muted: true })
      await screen.play()
      const shown = async (count: number) => {
        for (let frame = 0; frame < count; frame += 1) {
          await new Promise((resolve) => screen.requestVideoFrameCallback(resolve))
        }
      }
      const frames: { label: string; atMs: number; dropped: number }[] = []
      for await (const { answer, atMs, droppedFrames } of task.watch(camera, { privacy: 'edge-only' })) {
        frames.push({ label: answer.label, atMs, dropped: droppedFrames })
        // A slow reader: what is shown meanwhile must be left out, not queued.
        if (frames.length < 5) await shown(8)
        else if (frames.length === 6) for (const track of camera.getTracks()) track.stop()
        if (frames.length > 8) break
      }
      return frames
    }),
  )
  if ('error' in seen) throw new Error(seen.error.join(' '))
  expect(seen.length).toBeGreaterThanOrEqual(6)
  expect(seen.length).toBeLessThanOrEqual(8)
  expect(Math.max(...seen.map(({ dropped }) => dropped))).toBeGreaterThanOrEqual(3)
  const times = seen.map(({ atMs }) => atMs)
  expect([...times].sort((a, b) => a - b)).toEqual(times)
})

test('a camera that is no longer watched runs on, for it is its owner’s', async ({ page }) => {
  await openClient(page)
  const states = await page.evaluate(() =>
    hither.settle(async (client) => {
      const camera = await navigator.mediaDevices.getUserMedia({ video: true })
      const task = client.task('object-detection', { model: 'blocks' })
      const sizes: number[][] = []
      for await (const { answer } of task.watch(camera, { privacy: 'edge-only' })) {
        sizes.push([answer.width, answer.height])
        if (sizes.length === 2) break
      }
      const aborting = new AbortController()
      const aborted = (async () => {
        for await (const _ of task.watch(camera, { signal: aborting.signal })) aborting.abort(new Error('enough'))
      })()
      const reason = await aborted.catch((error: unknown) => String(error))
      const [track] = camera.getVideoTracks()
      const { width, height } = track?.getSettings() ?? {}
      return { sizes, settings: [width, height], state: track?.readyState, reason }
    }),
  )
  if ('error' in states) throw new Error(states.error.join(' '))
  expect(states).toMatchObject({ state: 'live', reason: 'Error: enough' })
  expect(states.sizes).toEqual([states.settings, states.settings])
})

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

for (const options of [edge, cloud]) {
  const arm = options === edge ? 'edge' : 'cloud'
  test(`a microphone is heard through an audio worklet at the model’s rate, its state carried along: ${arm}`, async ({
    page,
  }) => {
    await openClient(page)
    const heard = await page.evaluate(
      (given) =>
        hither.settle(async (client) => {
          // Sound is kept for five seconds at most while the model is loaded.
          await client.prepare('loudness')
          const microphone = await navigator.mediaDevices.getUserMedia({
            audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
          })
          const task = client.task('voice-activity', { model: 'loudness' })
          const moments: { probability: number; atMs: number; lengthMs: number; ran: string }[] = []
          for await (const { probability, atMs, lengthMs, route } of task.listen(microphone, given)) {
            moments.push({ probability, atMs, lengthMs, ran: route.ran })
            if (moments.length === 120) break
          }
          const [track] = microphone.getAudioTracks()
          return { moments, state: track?.readyState }
        }),
      options as RunOptions,
    )
    if ('error' in heard) throw new Error(heard.error.join(' '))
    const { moments, state } = heard
    expect(state).toBe('live')
    expect(new Set(moments.map(({ ran }) => ran))).toEqual(new Set([arm]))
    moments.forEach(({ atMs, lengthMs }, index) => {
      expect([atMs, lengthMs]).toEqual([index * 32, 32])
    })
    // The model gives half of the loudest sample, and a thousandth more in each window: the first 20 are the beginning.
    const levels = moments.map(({ probability }, index) => probability - index / 1000).slice(20)
    console.log(`microphone, ${arm}: levels around ${median(levels).toFixed(4)}`)
    // The soft tone's 0.3 is there, and nothing of the loud one, which would fold back to 4 kHz.
    expect(Math.abs(median(levels.slice(0, 50)) - 0.15)).toBeLessThan(0.02)
    expect(Math.abs(median(levels.slice(50)) - 0.15)).toBeLessThan(0.02)
  })
}

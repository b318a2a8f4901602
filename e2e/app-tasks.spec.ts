import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Locator, type Page, test } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import { openSite, type Site } from './support/site.ts'
import { hasShared, openTaskModels, sharedFile, sharedModels } from './support/task-models.ts'

// The app's cards for pictures and sound, with people's models and pictures, before fake devices that show and say what
// is in a file. Their models come from a mirror of their authors' addresses.

const folder = mkdtempSync(join(tmpdir(), 'hither-media-'))
const [video, sound] = [join(folder, 'faces.mjpeg'), join(folder, 'speech.wav')]
if (hasShared) {
  copyFileSync(join(sharedModels, 'ultraface/images/19.jpg'), video)
  copyFileSync(join(sharedModels, 'silero-vad/test.wav'), sound)
}
test.use({
  launchOptions: {
    executablePath: findBrowser(),
    args: [
      ...browserArgs,
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
      `--use-file-for-fake-audio-capture=${sound}`,
    ],
  },
  permissions: ['camera', 'microphone'],
})

let models: Awaited<ReturnType<typeof openTaskModels>> | undefined
let site: Site | undefined
test.beforeAll(async () => {
  if (!hasShared) {
    console.log('skipped: ../shared/models is not here')
    return
  }
  models = await openTaskModels()
  site = await openSite({ modelsDir: models.modelsDir, connectTo: [models.origin] })
})
test.afterAll(async () => {
  await site?.close()
  models?.close()
  rmSync(folder, { recursive: true, force: true })
})
test.beforeEach(() => {
  test.skip(!hasShared, '../shared/models is not here')
})

const openTask = async (page: Page, task: string, privacy = 'edge-only'): Promise<Locator> => {
  await page.goto(`${site?.url(`privacy=${privacy}`)}#/task/${task}`)
  return page.locator(`[data-task=${task}]`)
}
const file = (path: string) => ({
  name: path.split('/').at(-1) ?? '',
  mimeType: path.endsWith('.wav') ? 'audio/wav' : 'image/jpeg',
  buffer: sharedFile(path),
})

/** Where the boxes lie, as shares of the picture as it is shown. */
async function boxesIn(card: Locator): Promise<{ x: number; y: number; width: number; height: number }[]> {
  const stage = await card.locator('.stage').boundingBox()
  if (stage === null) throw new Error('no picture')
  const boxes = await Promise.all((await card.getByTestId('find').all()).map((find) => find.boundingBox()))
  return boxes.flatMap((box) =>
    box === null
      ? []
      : [
          {
            x: (box.x - stage.x) / stage.width,
            y: (box.y - stage.y) / stage.height,
            width: box.width / stage.width,
            height: box.height / stage.height,
          },
        ],
  )
}

for (const arm of ['edge', 'cloud'] as const) {
  test(`faces have boxes on the picture, where they are: ${arm}`, async ({ page }) => {
    const card = await openTask(page, 'faces', `${arm}-only`)
    await card.getByTestId('file-input').setInputFiles(file('ultraface/images/19.jpg'))
    await expect(card.getByTestId('answer')).toHaveText('5 × face')
    await expect(card.getByTestId('badge')).toHaveAttribute('data-arm', arm)
    await expect(card.getByTestId('find')).toHaveCount(5)
    await expect(card.locator('canvas')).toBeVisible()
    for (const { x, y, width, height } of await boxesIn(card)) {
      expect(Math.min(x, y)).toBeGreaterThan(0)
      expect(Math.max(x + width, y + height)).toBeLessThan(1)
      expect(width * height).toBeGreaterThan(0.001)
    }
    // The boxes stay on the faces when the picture is shown smaller.
    const before = await boxesIn(card)
    await page.setViewportSize({ width: 360, height: 800 })
    await expect.poll(async () => (await card.locator('.stage').boundingBox())?.width ?? 1000).toBeLessThan(360)
    const after = await boxesIn(card)
    for (const [index, { x, y }] of before.entries()) {
      expect(after[index]?.x).toBeCloseTo(x, 1)
      expect(after[index]?.y).toBeCloseTo(y, 1)
    }
  })
}

test('things are named on the picture, in the language of the app', async ({ page }) => {
  const card = await openTask(page, 'things')
  await card.getByTestId('file-input').setInputFiles(file('fastestdet/images/3.jpg'))
  await expect(card.locator('[data-testid=find][data-label=person]').first()).toContainText(/^\s*person \d+/)
  await page.getByTestId('nav-settings').click()
  await page.getByTestId('language-zh-Hans').click()
  await page.evaluate(() => {
    location.hash = '#/task/things'
  })
  await card.getByTestId('file-input').setInputFiles(file('fastestdet/images/3.jpg'))
  await expect(card.locator('[data-testid=find][data-label=person]').first()).toContainText(/^\s*人 \d+/)
})

test('what a camera sees has its boxes as long as it is on', async ({ page }) => {
  const card = await openTask(page, 'faces')
  await card.getByTestId('use-camera').click()
  await expect(card.getByTestId('camera')).toBeVisible()
  await expect(card.getByTestId('answer')).toHaveText('5 × face')
  await expect(card.getByTestId('find')).toHaveCount(5)
  await expect(card).toHaveAttribute('data-state', 'running')
  const track = await card.getByTestId('camera').evaluateHandle((video: HTMLVideoElement) => {
    const [first] = (video.srcObject as MediaStream).getTracks()
    return first as MediaStreamTrack
  })
  await card.getByTestId('use-camera').click()
  await expect(card.getByTestId('camera')).toHaveCount(0)
  await expect(card).not.toHaveAttribute('data-state', 'running')
  expect(await track.evaluate(({ readyState }) => readyState)).toBe('ended')
})

test('speech in a recording is a timeline, also one that is dropped on the page', async ({ page }) => {
  const card = await openTask(page, 'speech')
  await card.getByTestId('sound-input').setInputFiles(file('silero-vad/test.wav'))
  await expect(card).toHaveAttribute('data-state', 'done')
  await expect(card.getByTestId('answer')).toContainText(/^\d+\.\d\s*s of speech in \d+\.\d\s*s$/)
  const segments = card.getByTestId('segment')
  const count = await segments.count()
  expect(count).toBeGreaterThan(1)
  // They lie one after the other, below the line of probabilities.
  let endedAt = 0
  for (let index = 0; index < count; index += 1) {
    const [x, width] = await segments
      .nth(index)
      .evaluate((rect) => ['x', 'width'].map((name) => Number(rect.getAttribute(name))))
    expect(x).toBeGreaterThanOrEqual(endedAt)
    endedAt = (x ?? 0) + (width ?? 0)
  }
  const points = await card.locator('polygon').getAttribute('points')
  expect(points?.split(' ').length).toBeGreaterThan(50)
})

test('what a microphone hears is a timeline that grows until it is off', async ({ page }) => {
  const card = await openTask(page, 'speech')
  await card.getByTestId('use-microphone').click()
  await expect(card.getByTestId('answer')).toHaveText('Somebody speaks.')
  await expect(card.getByTestId('segment').first()).toBeAttached()
  await expect(card.getByTestId('badge')).toHaveAttribute('data-arm', 'edge')
  await expect(card.getByTestId('use-microphone')).toHaveAttribute('aria-pressed', 'true')
  await card.getByTestId('use-microphone').click()
  await expect(card.getByTestId('use-microphone')).toHaveAttribute('aria-pressed', 'false')
  await expect(card).not.toHaveAttribute('data-state', 'running')
})

import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { openSite, type Site } from './support/site.ts'
import { hasShared, sharedFile } from './support/task-models.ts'

// The models of others, in the app: their licence is shown before anything of them is fetched.

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

const folders: Readonly<Record<string, string>> = {
  'version-RFB-320.onnx': 'ultraface',
  'FastestDet.onnx': 'fastestdet',
  'silero_vad_16k_op15.onnx': 'silero-vad',
}

/** Stands in the place of the authors' server; the bytes lie beside the project, where they do. */
async function mirror(context: BrowserContext): Promise<readonly string[]> {
  const asked: string[] = []
  await context.route('https://raw.githubusercontent.com/**', (route) => {
    const { pathname } = new URL(route.request().url())
    asked.push(pathname)
    const name = pathname.split('/').at(-1) ?? ''
    const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'range' }
    if (!hasShared) return route.fulfill({ status: 404, headers })
    return route.fulfill({ headers, body: sharedFile(`${folders[name]}/${name}`) })
  })
  return asked
}

const openTask = async (page: Page, task: string) => {
  await page.goto(`${site.url('privacy=edge-only')}#/task/${task}`)
  const card = page.locator(`[data-task="${task}"]`)
  await expect(card.getByTestId('model-status')).toHaveAttribute('data-status', 'absent')
  return card
}

const tasks = [
  { task: 'faces', model: 'ultraface-rfb-320', licence: 'MIT', size: '1.3 MB', sample: 'sample-astronaut' },
  { task: 'things', model: 'fastestdet', licence: 'BSD-3-Clause', size: '998 kB', sample: 'sample-cat' },
  { task: 'speech', model: 'silero-vad', licence: 'MIT', size: '1.3 MB', sample: 'sample-voice' },
] as const

for (const { task, model, licence, size, sample } of tasks) {
  test(`the licence of the model for ${task} is shown before anything of it is fetched; not used, it stays away`, async ({
    page,
    context,
  }) => {
    const asked = await mirror(context)
    const card = await openTask(page, task)
    const shown = card.getByTestId('license')
    await expect(shown).toContainText(licence)
    await expect(shown).toContainText(size)
    await expect(shown.getByRole('link')).toHaveAttribute('href', /^https:\/\/github\.com\/.*\/[0-9a-f]{40}\/LICENSE/)
    // Among the models, too, where a download has its button.
    await page.getByTestId('nav-models').click()
    const entry = page.locator(`[data-testid="model"][data-model="${model}"]`)
    await expect(entry.getByRole('link', { name: licence })).toBeVisible()
    await expect(entry.getByTestId('model-download')).toBeVisible()
    await expect(entry.getByTestId('status')).toHaveAttribute('data-status', 'absent')
    expect(asked).toEqual([])
    // Only what somebody does fetches it.
    await page.goBack()
    const fetched = page.waitForRequest((request) => request.url().startsWith('https://raw.githubusercontent.com/'))
    await card.getByTestId(sample).click()
    expect((await fetched).url()).toContain(Object.keys(folders)[tasks.findIndex((each) => each.task === task)])
    if (hasShared) await expect(shown).toBeHidden()
  })
}

test('in the samples, what they show is found', async ({ page, context }) => {
  if (!hasShared) console.log('skipped: ../shared/models is not here')
  test.skip(!hasShared, '../shared/models is not here')
  await mirror(context)
  for (const [task, sample, label] of [
    ['faces', 'astronaut', 'face'],
    ['faces', 'photographer', 'face'],
    ['things', 'cat', 'cat'],
    ['things', 'coffee', 'cup'],
  ] as const) {
    await page.goto(`${site.url('privacy=edge-only')}#/task/${task}`)
    const card = page.locator(`[data-task="${task}"]`)
    await card.getByTestId(`sample-${sample}`).click()
    await expect(card.getByTestId('find')).toHaveCount(1)
    await expect(card.getByTestId('find')).toHaveAttribute('data-label', label)
    console.log(`${sample}: ${await card.getByTestId('find').textContent()}`)
  }
  const card = await openTask(page, 'speech')
  await card.getByTestId('sample-voice').click()
  await expect(card).toHaveAttribute('data-state', 'done')
  // Two sentences, and a second of silence between them.
  await expect(card.getByTestId('segment')).toHaveCount(2)
})

import { expect, type Page, test } from '@playwright/test'
import { storiesIds } from '../src/testing/stories-ids.ts'
import { hasStoriesModel, storiesTexts } from '../src/testing/stories-model.ts'
import type { Hither } from './plain-project/main.ts'
import { closeClient, type EngineSite, openEngineSite, softwareAdapter, withBrowser } from './support/engine-site.ts'

declare const hither: Hither

// All hundred of them, on each backend: npm run bench -- generate-ids
test.skip(!hasStoriesModel, '../shared/models/stories260k is not there')

let site: EngineSite
test.beforeAll(async () => {
  site = await openEngineSite()
})
test.afterAll(() => site.close())

const { rows, newTokens } = storiesIds()

/** Writes to the prompts of every so many rows, one after the other; and what they should be. */
async function write(page: Page, backend: 'wasm' | 'webgpu', every: number, maxTokens: number) {
  const some = rows
    .filter((_, index) => index % every === 0)
    .map((row) => ({ ...row, answer: row.answer.slice(0, maxTokens) }))
  await site.openClient(page, { runtime: { backends: [backend] } })
  const written = await page.evaluate(
    ([prompts, most]) =>
      hither.settle(async (client) => {
        const answers = []
        for (const prompt of prompts) {
          const { text, route } = await client.generate('stories', { prompt }, { temperature: 0, maxTokens: most }).done
          answers.push({ prompt, text, backend: route?.backend })
        }
        return answers
      }),
    [some.map(({ text }) => text), maxTokens] as const,
  )
  await closeClient(page)
  const textOf = storiesTexts()
  return { written, expected: some.map((row) => ({ prompt: row.text, text: textOf(row), backend })) }
}

test('a trained model writes on WASM what Transformers.js writes', async ({ page }) => {
  const { written, expected } = await write(page, 'wasm', 5, newTokens)
  expect(expected).toHaveLength(20)
  expect(written).toEqual(expected)
})

// There, a step takes most of a second on a busy machine.
test('and on a software graphics processor', () =>
  withBrowser(softwareAdapter, async (context) => {
    const { written, expected } = await write(await context.newPage(), 'webgpu', 50, 30)
    expect(expected).toHaveLength(2)
    expect(written).toEqual(expected)
  }))

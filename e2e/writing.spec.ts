import { expect, type Page, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { edgeWorkerOf } from './support/edge-workers.ts'
import { closeClient, type EngineSite, openEngineSite, softwareAdapter, withBrowser } from './support/engine-site.ts'

declare const hither: Hither

let site: EngineSite
test.beforeAll(async () => {
  site = await openEngineSite()
})
test.afterAll(() => site.close())

const beginning = { prompt: 'Once upon a time there was a king who had three sons' }
const greedy = { temperature: 0, maxTokens: 200 }

const begin = (page: Page, options: object = greedy, input: object = beginning) =>
  page.evaluate(([given, how]) => hither.begin('writer', given as never, how), [input, options] as const)
const written = async (page: Page) => {
  const result = await page.evaluate(() => hither.written)
  if (result === undefined || 'error' in result) throw new Error(String(result?.error))
  return result
}
const shown = (page: Page) =>
  page.evaluate(() => hither.parts.map((part) => (part.type === 'text' ? part.text : '')).join(''))
const moves = (page: Page) => page.evaluate(() => hither.parts.filter(({ type }) => type === 'moved'))
/** Waits until some of the text has come. */
const hasBegun = (page: Page) =>
  page.waitForFunction(() => hither.parts.some((part) => part.type === 'text'), undefined, { polling: 5 })

async function write(page: Page, options: object = greedy, input: object = beginning) {
  await begin(page, options, input)
  return written(page)
}

test('a text is written in the built library, and its conversation is known the next time', async ({ page }) => {
  await site.openClient(page)
  const first = await write(page)
  expect(first).toMatchObject({
    finishReason: 'length',
    usage: { answerTokens: 200, cachedTokens: 0 },
    route: { ran: 'edge', backend: 'wasm', writing: { tokens: 200, moves: [] } },
  })
  expect(await shown(page)).toBe(first.text)
  const again = await write(page)
  expect(again.text).toBe(first.text)
  expect(again.usage.cachedTokens).toBe(again.usage.promptTokens - 1)
  const explained = await page.evaluate(() => hither.settle((client) => client.explain('writer')))
  expect(explained).toMatchObject({ arm: 'edge' })
  await closeClient(page)
})

test('an abort while a long prompt is read frees the device; what was written stays (case 57)', async ({ page }) => {
  await site.openClient(page)
  await page.evaluate(() => hither.client?.prepare('writer'))
  await begin(page, greedy, { prompt: 'A long tale. '.repeat(140) })
  await page.waitForFunction(() => hither.parts.some(({ type }) => type === 'reading'), undefined, { polling: 5 })
  await page.evaluate(() => hither.aborts.abort())
  expect(await written(page)).toMatchObject({ finishReason: 'aborted' })
  expect((await write(page)).usage.answerTokens).toBe(200)
  await closeClient(page)
})

test('a worker that dies in the midst of a text is taken over by the next one, from the very letter', async ({
  page,
}) => {
  await site.openClient(page)
  const undisturbed = await write(page)
  await begin(page, { ...greedy, maxTokens: 1_500 })
  await hasBegun(page)
  await edgeWorkerOf(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('a fault of the test')
    })
  })
  const result = await written(page)
  expect(result).toMatchObject({ finishReason: 'length', usage: { answerTokens: 1_500 } })
  expect(result.text.startsWith(undisturbed.text)).toBe(true)
  expect(await shown(page)).toBe(result.text)
  expect(await moves(page)).toMatchObject([{ from: 'edge', to: 'edge', reason: 'failed', error: 'edge-crashed' }])
  await closeClient(page)
})

test('two tabs write at once with one engine; when the one that leads is closed, the other goes on (case 62)', async ({
  context,
}) => {
  const [leader, follower] = [await context.newPage(), await context.newPage()]
  await site.openClient(leader)
  await leader.evaluate(() => hither.client?.prepare('writer'))
  await site.openClient(follower)
  const undisturbed = await write(follower)
  // The engine is the first tab's.
  expect(follower.workers().filter((worker) => worker.url().includes('edge.worker'))).toHaveLength(0)
  const long = { ...greedy, maxTokens: 1_500 }
  await begin(leader, long)
  await begin(follower, long)
  await hasBegun(leader)
  await hasBegun(follower)
  await leader.close()
  const result = await written(follower)
  expect(result).toMatchObject({ finishReason: 'length', usage: { answerTokens: 1_500 } })
  expect(result.text.startsWith(undisturbed.text)).toBe(true)
  expect(await shown(follower)).toBe(result.text)
  expect(await moves(follower)).toHaveLength(1)
  await closeClient(follower)
})

test('a page that is reloaded in the midst goes on from its journal (case 56)', async ({ page }) => {
  await site.openClient(page)
  const undisturbed = await write(page, { ...greedy, maxTokens: 1_500 })
  const kept = { ...greedy, maxTokens: 1_500, journal: 'tale' }
  await begin(page, kept)
  await page.waitForFunction(
    () => hither.parts.reduce((sum, part) => sum + (part.type === 'text' ? part.tokens : 0), 0) > 100,
    undefined,
    { polling: 5 },
  )
  await site.openClient(page)
  const result = await write(page, kept)
  expect(result.text).toBe(undisturbed.text)
  // The first part is what the page before has written.
  const first = await page.evaluate(() => hither.parts.find((part) => part.type === 'text'))
  expect(first).toMatchObject({ type: 'text' })
  expect(first && 'tokens' in first ? first.tokens : 0).toBeGreaterThan(32)
  await closeClient(page)
})

test('a software graphics processor writes what WASM writes; its cache stays there, also of edited texts (case 63)', () =>
  withBrowser(softwareAdapter, async (context) => {
    const page = await context.newPage()
    const edited = { prompt: `${beginning.prompt} and one daughter` }
    await site.openClient(page, { runtime: { backends: ['wasm'] } })
    const [whole, other] = [await write(page), await write(page, greedy, edited)]
    await closeClient(page)
    await site.openClient(page, { runtime: { backends: ['webgpu'] } })
    expect(await write(page)).toMatchObject({ text: whole.text, route: { backend: 'webgpu' } })
    expect(await write(page, greedy, edited)).toMatchObject({ text: other.text })
    const again = await write(page)
    expect(again.text).toBe(whole.text)
    expect(again.usage.cachedTokens).toBeGreaterThan(50)
    await closeClient(page)
  }))

test('what can’t be answered is refused by its code', async ({ page }) => {
  await site.openClient(page)
  const codeOf = async (input: object, options: object = greedy) => {
    await begin(page, options, input)
    const result = await page.evaluate(() => hither.written)
    if (result === undefined) return undefined
    return 'finishReason' in result ? result.finishReason : result.error[1]
  }
  expect(await codeOf({ prompt: '' })).toBe('text-empty')
  expect(await codeOf({ prompt: 'a'.repeat(10_000_000) })).toBe('context-full')
  expect(['stop', 'length']).toContain(await codeOf({ prompt: 'half a \ud83d pair' }))
  expect(await codeOf({ messages: [{ role: 'robot', content: 'x' }] })).toBe('options-invalid')
  expect(['stop', 'length']).toContain(await codeOf({ messages: [{ role: 'user', content: 'Hello' }] }))
  expect(await codeOf({ prompt: 'x' }, { ...greedy, privacy: 'cloud-only' })).toBe('no-arm')
  await closeClient(page)
})

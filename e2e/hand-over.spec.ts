// Answers whose writer dies, stalls or is cut off in their midst: here and at an endpoint's process, by the built product.
// HAND_OVER_RUNS=50 npx playwright test e2e/hand-over.spec.ts has each fault at fifty random tokens.
import { expect, type Page, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { edgeWorkerOf } from './support/edge-workers.ts'
import { closeClient } from './support/engine-site.ts'
import { type HandOverSite, openHandOverSite, storyteller } from './support/hand-over-site.ts'

declare const hither: Hither

const runs = Number(process.env.HAND_OVER_RUNS ?? 2)
test.setTimeout(300_000 + runs * 20_000)

const prompts = [
  'Once upon a time there was a little girl',
  'The dog and the cat were friends. One day',
  'Tom had a red ball',
] as const
const greedy = { temperature: 0, maxTokens: 300 } as const

let site: HandOverSite
/** By prompt, written on this device with nothing in its way. */
const undisturbed = new Map<string, string>()

const begin = (page: Page, prompt: string, options: object = {}) =>
  page.evaluate(([model, text, how]) => hither.begin(model, { prompt: text }, how), [
    storyteller,
    prompt,
    { ...greedy, ...options },
  ] as const)

async function written(page: Page) {
  const result = await page.evaluate(() => hither.written)
  if (result === undefined || 'error' in result) throw new Error(String(result?.error))
  return result
}
const shown = (page: Page) =>
  page.evaluate(() => hither.parts.map((part) => (part.type === 'text' ? part.text : '')).join(''))
/** Waits until so many tokens were shown. */
const hasShown = (page: Page, tokens: number) =>
  page.waitForFunction(
    (count) => hither.parts.reduce((sum, part) => sum + (part.type === 'text' ? part.tokens : 0), 0) >= count,
    tokens,
    { polling: 1 },
  )

test.beforeAll(async ({ browser }) => {
  site = await openHandOverSite()
  const page = await browser.newPage()
  await site.openClient(page)
  for (const prompt of prompts) {
    await begin(page, prompt, { privacy: 'edge-only' })
    const { text } = await written(page)
    // At the endpoint it is the same.
    await begin(page, prompt, { privacy: 'cloud-only' })
    expect((await written(page)).text).toBe(text)
    undisturbed.set(prompt, text)
  }
  await page.close()
})
test.afterAll(() => site.close())

/** Has an answer written for each run, with a fault at a random token, and holds it against the undisturbed one. */
async function withFaults(
  page: Page,
  fault: {
    /** Before the answer is asked for. */
    readonly before: (at: number, run: number) => Promise<void> | void
    /** While it is written. */
    readonly during?: (at: number) => Promise<void>
    readonly after?: () => Promise<void> | void
    readonly options?: object
    /** A move that must have come about: there are more runs until it has. An answer may begin on either side. */
    readonly wanted: string
  },
) {
  const outcomes: string[] = []
  const isSeen = () => outcomes.some((outcome) => outcome.includes(fault.wanted))
  for (let run = 0; run < runs || (!isSeen() && run < runs + 20); run += 1) {
    const prompt = prompts[run % prompts.length] ?? prompts[0]
    const at = 1 + Math.floor(Math.random() * 90)
    const name = `run ${run}, token ${at}, “${prompt}”`
    // A page of its own: an arm that has failed three times is left alone for a while.
    await site.openClient(page)
    await fault.before(at, run)
    await begin(page, prompt, fault.options)
    await fault.during?.(at)
    const result = await written(page)
    expect(result.text, name).toBe(undisturbed.get(prompt))
    expect(await shown(page), name).toBe(result.text)
    expect(['stop', 'length'], name).toContain(result.finishReason)
    expect(result.usage.answerTokens, name).toBeLessThanOrEqual(greedy.maxTokens)
    const moves = result.route?.writing?.moves ?? []
    outcomes.push(moves.map(({ from, to, reason }) => `${from} to ${to}, ${reason}`).join('; '))
    site.proxy.callAfter(Number.POSITIVE_INFINITY, () => {})
    await fault.after?.()
    await closeClient(page)
  }
  expect(outcomes.join('\n')).toContain(fault.wanted)
}

test('the worker is killed: another one goes on, or the endpoint (case 54)', async ({ page }) => {
  await withFaults(page, {
    wanted: 'edge to ',
    before: () => page.evaluate((model) => hither.client?.prepare(model), storyteller),
    async during(at) {
      await hasShown(page, at)
      // At once: the next tokens are milliseconds away.
      await edgeWorkerOf(page)
        .evaluate(() => {
          setTimeout(() => {
            throw new Error('a fault of the test')
          })
        })
        .catch(() => {})
    },
    options: { privacy: 'prefer-edge' },
  })
})

test('the socket is cut: this device goes on, or the endpoint where it can be reached again (case 55)', async ({
  page,
}) => {
  await withFaults(page, {
    wanted: 'cloud to ',
    async before(at, run) {
      await site.unload(page)
      site.proxy.cutAfter(at, run % 2 === 0)
    },
    after: () => site.proxy.refuse(false),
  })
})

test('the stream stalls: this device goes on (case 55)', async ({ page }) => {
  await withFaults(page, {
    wanted: 'cloud to edge, stalled',
    async before(at) {
      await site.unload(page)
      site.proxy.stallAfter(at)
    },
  })
})

test('the endpoint’s process is killed: this device goes on (case 55)', async ({ page }) => {
  await withFaults(page, {
    wanted: 'cloud to edge',
    async before(at) {
      await site.unload(page)
      site.proxy.callAfter(at, site.killEndpoint)
    },
    after: () => site.restartEndpoint(),
  })
})

test('the device goes offline: it goes on itself, and online again the next one is written', async ({
  page,
  context,
}) => {
  await withFaults(page, {
    wanted: 'cloud to edge, offline',
    async before(at) {
      // A page without a service worker: what runs models must be here before the network goes.
      await page.evaluate((model) => hither.client?.prepare(model), storyteller)
      await site.unload(page)
      // The browser's own switch leaves connections that stand as they are.
      site.proxy.stallAfter(at, () => void context.setOffline(true))
    },
    after: () => context.setOffline(false),
  })
})

/** What the journal of this origin has of an answer; every page can read it. */
const keptIn = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<{ readonly text: string; readonly tokens: number }>((resolve, reject) => {
        const opening = indexedDB.open('hither-records')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const reading = opening.result.transaction('keyval').objectStore('keyval').get('writing tale')
          reading.onsuccess = () => {
            opening.result.close()
            resolve(reading.result ?? { text: '', tokens: 0 })
          }
        }
      }),
  )

/** Has the page stand still once it has shown so many tokens: what it writes does not end before it is killed. */
const standStill = (page: Page, at: number) =>
  page.evaluate((count) => {
    const look = () => {
      const texts = hither.parts.flatMap((part) => (part.type === 'text' ? [part] : []))
      if (texts.reduce((sum, { tokens }) => sum + tokens, 0) < count) return void setTimeout(look)
      localStorage.setItem('shown', texts.map(({ text }) => text).join(''))
      // biome-ignore lint/suspicious/noDebugger: the test has the page stand still here
      debugger
    }
    setTimeout(look)
  }, at)

test('the tab is killed: the next one goes on from its journal (case 56)', async ({ context }) => {
  for (let run = 0; run < runs; run += 1) {
    const prompt = prompts[run % prompts.length] ?? prompts[0]
    // It is kept every 32 tokens.
    const at = 66 + Math.floor(Math.random() * 60)
    const name = `run ${run}, token ${at}, “${prompt}”`
    const page = await context.newPage()
    await site.openClient(page)
    if (run % 2 === 1) await site.unload(page)
    const next = await context.newPage()
    await next.goto(page.url())
    await next.evaluate(() => localStorage.clear())
    const session = await context.newCDPSession(page)
    await session.send('Debugger.enable')
    await standStill(page, at)
    await begin(page, prompt, { journal: 'tale' })
    const before = await next.waitForFunction(() => localStorage.getItem('shown'), undefined, { polling: 20 })
    await expect.poll(async () => (await keptIn(next)).tokens, { message: name }).toBeGreaterThanOrEqual(33)
    const died = page.waitForEvent('crash')
    // Nobody is left to answer.
    void session.send('Page.crash').catch(() => {})
    await died
    const kept = await keptIn(next)
    expect((await before.jsonValue())?.startsWith(kept.text), name).toBe(true)

    await site.openClient(next)
    await begin(next, prompt, { journal: 'tale' })
    const result = await written(next)
    expect(result.text, name).toBe(undisturbed.get(prompt))
    expect(await shown(next)).toBe(result.text)
    // What was kept is there at once, by no arm, and none of it is written anew.
    const texts = await next.evaluate(() => hither.parts.flatMap((part) => (part.type === 'text' ? [part] : [])))
    expect(texts[0], name).toEqual({ type: 'text', text: kept.text, tokens: kept.tokens })
    const rest = texts.slice(1).reduce((sum, { tokens }) => sum + tokens, 0)
    expect(rest, name).toBe(result.usage.answerTokens - kept.tokens)
    await page.close()
    await next.close()
  }
})

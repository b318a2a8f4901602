import type { Page } from 'playwright'
import { openCuttingProxy } from '../src/testing/cutting-proxy.ts'
import { hasSmollm2, smollm2Model } from '../src/testing/smollm2-model.ts'
import { type FaultedAnswer, figuresOf, printFigures } from './handover/figures.ts'
import type { HandOver, SeenAnswer } from './pages/hand-over.ts'
import type { Bench } from './support/bench.ts'
import { openBenchBrowser, printErrors } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { storyOf } from './text-endpoint/prompts.ts'

declare const handOver: HandOver

const model = 'smollm2-q8'
/** What is done to the arm that writes, where it is an endpoint. */
const cloudFaults = ['cut', 'gone', 'stall'] as const
const usual = { answers: 24, tokens: 48 }

const write = (page: Page, prompt: string, tokens: number, privacy?: 'edge-only' | 'cloud-only' | 'prefer-edge') =>
  page.evaluate(([text, most, how]) => handOver.write(text, most, how), [prompt, tokens, privacy] as const)

/** Kills what runs models on this device. */
async function killWorker(page: Page): Promise<void> {
  const worker = page.workers().findLast((each) => each.url().includes('edge.worker'))
  await worker
    ?.evaluate(() => {
      setTimeout(() => {
        throw new Error('a fault of the bench')
      })
    })
    .catch(() => {})
}

/**
 * Answers whose writer is killed, cut off or stalled in their midst, in Chromium: the built library on one side, our
 * endpoint with the same weights (SmolLM2-135M, 8 bits) behind a socket on the other. Each answer meets one fault. Beside
 * each stands what its receiver takes to the first token of that prompt and answer, of which it has read nothing before.
 *
 * That their texts are the undisturbed ones is `e2e/hand-over.spec.ts`, on weights of 32 bits: of 8 bits, Node and WASM round
 * otherwise.
 *
 * `--answers` (24), `--tokens` of each (48). The share of answers that end whole with 5 % of arms failing, beside what
 * others do, is a simulation: `npm run bench -- text-routing`.
 */
export const bench: Bench = async (flags, print) => {
  if (!hasSmollm2) throw new Error('SmolLM2 is not built: npx tsx bench/generate/build-smollm2.ts')
  const [count, tokens] = [flags.value('answers'), flags.value('tokens')].map(Number)
  const [answers, most] = [count || usual.answers, tokens || usual.tokens]
  const site = await openEdgeSite({
    pages: ['hand-over'],
    models: [],
    modelFolders: { [model]: `${smollm2Model().folder}models/${model}` },
  })
  const proxy = await openCuttingProxy(`http://127.0.0.1:${site.port}`)
  const browser = await openBenchBrowser()
  const faulted: FaultedAnswer[] = []
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(600_000)
    printErrors(page, print)
    const open = async () => {
      await page.goto(`${proxy.url}/hand-over.html`)
      await page.waitForFunction(() => 'handOver' in globalThis)
      await page.evaluate((name) => handOver.open(name), model)
    }
    await open()
    // Both sides are known before anything counts.
    for (let warm = 0; warm < 3; warm += 1) {
      for (const privacy of ['edge-only', 'cloud-only'] as const) await write(page, storyOf(900 + warm), 8, privacy)
    }
    for (let answer = 0; answer < answers; answer += 1) {
      const at = 4 + Math.floor(Math.random() * (most - 12))
      const isHere = answer % 4 === 3
      // An arm that fails three times in a row is left alone for a while: a page of its own for each two.
      if (answer % 2 === 0) await open()
      const prompt = storyOf(answer)
      const writing = write(page, prompt, most, isHere ? 'prefer-edge' : undefined)
      await page.waitForFunction((wanted) => handOver.now().tokens >= wanted, at, { polling: 5 })
      const { arm } = await page.evaluate(() => handOver.now())
      const fault = arm === 'edge' ? 'worker' : (cloudFaults[answer % 4] ?? 'cut')
      if (fault === 'worker') await killWorker(page)
      else if (fault === 'stall') proxy.stallAfter(0)
      else proxy.cutAfter(0, fault === 'gone')
      const seen = await writing
      proxy.refuse(false)
      proxy.callAfter(Number.POSITIVE_INFINITY, () => {})
      faulted.push({ fault, seen })
      await measureReceiver(page, prompt, seen, answer, faulted)
      print(lineOf(faulted.at(-1)))
    }
  } finally {
    await browser.close()
    await proxy.close()
    await site.close()
  }
  const figures = figuresOf(faulted)
  printFigures(figures, print)
  return { answers, tokens: most, ...figures }
}

/** What the receiver takes to the first token of as much text, of which it has read nothing. */
async function measureReceiver(
  page: Page,
  prompt: string,
  { text, moves }: SeenAnswer,
  answer: number,
  faulted: FaultedAnswer[],
): Promise<void> {
  const receiver = moves.at(-1)?.to
  const last = faulted.pop()
  if (last === undefined) return
  if (receiver === undefined) {
    faulted.push(last)
    return
  }
  const afresh = `${10_000 + answer}: ${prompt}${text.slice(0, Math.floor(text.length / 2))}`
  const { firstTextMs } = await write(page, afresh, 2, receiver === 'edge' ? 'edge-only' : 'cloud-only')
  faulted.push({ ...last, receiverFirstMs: firstTextMs })
}

const lineOf = (answer: FaultedAnswer | undefined): string => {
  if (answer === undefined) return ''
  const { fault, seen, receiverFirstMs } = answer
  const moves = seen.moves.map(({ from, to, reason, gapMs }) => `${from} to ${to}, ${reason}, ${gapMs.toFixed(0)} ms`)
  return `  ${fault.padEnd(7)} ${moves.join('; ') || 'no move'}; from nothing ${receiverFirstMs?.toFixed(0) ?? '-'} ms; silence ${seen.longestSilenceMs.toFixed(0)} ms`
}

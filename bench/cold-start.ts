import type { Browser } from 'playwright'
import type { Bench } from './support/bench.ts'
import { openBenchBrowser, printErrors } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { summarize } from './support/quantiles.ts'
import { openShapedLink } from './support/shaped-link.ts'
import { hasSharedModels, sharedModels } from './support/shared-models.ts'

interface FirstAnswer {
  readonly ms: number
  readonly ran: string
  readonly first: number
  readonly size: number
}
declare const firstAnswer: FirstAnswer

const contenders = { hither: 'hither-cold.html', transformers: 'transformers-cold.html' } as const
type Contender = keyof typeof contenders
/** The link of the cold start. */
const link = { bitsPerSecond: 10e6, roundTripMs: 40 }
const seconds = (ms: number) => `${(ms / 1_000).toFixed(3)} s`

/** Page open to first answer: with everything stored, and on a first visit over a slow link. */
export const bench: Bench = async (flags, print) => {
  if (!hasSharedModels) {
    print('../shared/models is not there: MobileNetV2 cannot be measured')
    return {}
  }
  const warmRounds = Number(flags.value('warm') ?? 12)
  const coldRounds = Number(flags.value('cold') ?? 5)
  const { mobilenet } = sharedModels
  const site = await openEdgeSite({
    pages: ['hither-cold', 'transformers-cold'],
    models: [mobilenet],
    transformers: [mobilenet],
    compressed: true,
  })
  const shaped = await openShapedLink(site.port, link)
  const browser = await openBenchBrowser()

  const visit = async (context: Awaited<ReturnType<Browser['newContext']>>, url: string): Promise<FirstAnswer> => {
    const page = await context.newPage()
    printErrors(page, print)
    await page.goto(url, { waitUntil: 'commit' })
    await page.waitForFunction(() => 'firstAnswer' in globalThis, undefined, { timeout: 180_000 })
    const answer = await page.evaluate(() => firstAnswer)
    if (answer.size !== 1_000) throw new Error(`an answer of ${answer.size} numbers`)
    await page.close()
    return answer
  }
  // Transformers.js makes an address of its own for what it has cached, which our policy would not let it load.
  const newContext = () => browser.newContext({ bypassCSP: true })

  const warm: Record<Contender, number[]> = { hither: [], transformers: [] }
  const cold: Record<Contender, number[]> = { hither: [], transformers: [] }
  const ran = new Set<string>()
  try {
    const contexts = { hither: await newContext(), transformers: await newContext() }
    const url = (name: Contender, origin: string, query = '') => `${origin}/${contenders[name]}${query}`
    const names = Object.keys(contenders) as Contender[]
    for (let round = -2; round < warmRounds; round += 1) {
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        const { ms } = await visit(contexts[name], url(name, site.origin))
        if (round >= 0) warm[name].push(ms)
        if (flags.has('verbose')) print(`warm ${name}: ${seconds(ms)}`)
      }
    }
    for (const context of Object.values(contexts)) await context.close()

    // The endpoint has served others before: its model is loaded.
    const first = await newContext()
    await visit(first, url('hither', site.origin, '?cloud'))
    await first.close()
    for (let round = 0; round < coldRounds; round += 1) {
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        const context = await newContext()
        const answer = await visit(context, url(name, shaped.origin, name === 'hither' ? '?cloud' : ''))
        cold[name].push(answer.ms)
        if (flags.has('verbose')) print(`cold ${name}: ${seconds(answer.ms)}`)
        if (name === 'hither') ran.add(answer.ran)
        await context.close()
      }
    }
  } finally {
    await browser.close()
    await shaped.close()
    await site.close()
  }
  const toFigures = (times: Record<Contender, number[]>) => {
    const [hither, transformers] = [summarize(times.hither), summarize(times.transformers)]
    return {
      hither,
      transformers,
      share: hither.median / transformers.median,
      sooner: transformers.median / hither.median,
    }
  }
  const figures = { model: mobilenet.name, warm: toFigures(warm), cold: { ...toFigures(cold), link, ran: [...ran] } }
  for (const [what, { hither, transformers }] of Object.entries({ warm: figures.warm, cold: figures.cold })) {
    for (const [name, summary] of Object.entries({ hither, transformers })) {
      print(
        `${what} ${name.padEnd(13)} ${seconds(summary.median)}  (${seconds(summary.q1)} to ${seconds(summary.q3)}, ${summary.count} visits)`,
      )
    }
  }
  print(`warm: ${figures.warm.share.toFixed(2)} x Transformers.js's time (asked: at most 0.8)`)
  print(
    `cold, 10 Mbit/s and 40 ms: ${figures.cold.sooner.toFixed(1)} times sooner (asked: at least 10), answered by the ${[...ran].join(' and the ')}`,
  )
  return figures
}

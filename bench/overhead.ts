import type { Page } from 'playwright'
import { leastDims } from '../src/models/manifest/shapes.ts'
import type { OverheadPage, Spec } from './pages/overhead.ts'
import type { Bench, BenchFlags } from './support/bench.ts'
import { openBenchBrowser, printErrors, residentBytes, softwareAdapter } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { quantile, summarize } from './support/quantiles.ts'
import { hasSharedModels, sharedModels } from './support/shared-models.ts'
import { slopePer } from './support/slope.ts'

declare const hitherBench: OverheadPage

type Print = (line: string) => void
type Site = Awaited<ReturnType<typeof openEdgeSite>>
const { digits, ultraface, squeezenet } = sharedModels
const models = hasSharedModels ? [digits, ultraface, squeezenet] : [digits]
const contenders = ['hither', 'raw', 'transformers'] as const
type Contender = (typeof contenders)[number]

const met = (is: boolean) => (is ? 'met' : 'MISSED')
const ms = (value: number) => `${value.toFixed(value < 10 ? 3 : 1)} ms`
const specsOf = (model: (typeof models)[number]): Spec[] =>
  model.inputs.map(({ name, type, shape }) => ({ name, type, dims: leastDims(shape) }))

async function withPage<T>(
  site: Site,
  args: readonly string[],
  print: Print,
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const browser = await openBenchBrowser(args)
  try {
    const page = await browser.newPage()
    printErrors(page, print)
    await page.goto(`${site.origin}/overhead.html`)
    await page.waitForFunction(() => 'hitherBench' in globalThis)
    return await work(page)
  } finally {
    await browser.close()
  }
}

/** A request through `client.run` beside onnxruntime-web and Transformers.js, each in a worker. */
async function compareRequests(site: Site, flags: BenchFlags, print: Print) {
  const runs = Number(flags.value('runs') ?? 150)
  const threads = Number(flags.value('threads') ?? 1)
  const rows: object[] = []
  for (const model of models) {
    for (const transfer of [false, true]) {
      const asked = { runs: model === digits ? 4 * runs : runs, threads, transfer }
      const { times, difference } = await withPage(site, [], print, (page) =>
        page.evaluate(([names, name, specs, options]) => hitherBench.compare(names, name, specs, options), [
          contenders,
          model.name,
          specsOf(model),
          asked,
        ] as const),
      )
      const of = (name: Contender) => summarize(times[name] ?? [])
      const [hither, raw, transformers] = [of('hither'), of('raw'), of('transformers')]
      // By pairs of requests that followed each other: where the machine's speed changes, both of a pair saw the same.
      const byPair = (name: Contender, of: (own: number, other: number) => number) =>
        quantile(
          (times.hither ?? []).map((time, index) => of(time, times[name]?.[index] ?? Number.NaN)),
          0.5,
        )
      const overRawMs = byPair('raw', (own, other) => own - other)
      const beyondMs = byPair('raw', (own, other) => own - 1.02 * other)
      const timesTransformers = byPair('transformers', (own, other) => own / other)
      const row = {
        model: model.name,
        inputs: transfer ? 'handed over' : 'copied',
        hither,
        raw,
        transformers,
        overRawMs,
        beyondMs,
        timesRaw: byPair('raw', (own, other) => own / other),
        timesTransformers,
        okRaw: beyondMs <= 0.3,
        okTransformers: timesTransformers <= 1,
        difference,
      }
      rows.push(row)
      print(`${model.name}, inputs ${row.inputs} (${asked.runs} requests each, ${threads} thread(s))`)
      for (const [name, summary] of Object.entries({ hither, raw, transformers })) {
        print(`  ${name.padEnd(13)} ${ms(summary.median)}  (${ms(summary.q1)} to ${ms(summary.q3)})`)
      }
      print(
        `  medians of pairs: ${ms(overRawMs)} over raw, ${row.timesRaw.toFixed(3)} x; ${ms(beyondMs)} over 1.02 x, at most 0.3 ms asked: ${met(row.okRaw)}; ${timesTransformers.toFixed(3)} x Transformers.js, at most 1 asked: ${met(row.okTransformers)}; outputs differ by ${difference.toExponential(1)}`,
      )
    }
  }
  return rows
}

/** What measuring chooses where the only WebGPU adapter is a software one, beside choosing WebGPU because it is there. */
async function compareChoice(site: Site, flags: BenchFlags, print: Print) {
  const runs = Number(flags.value('choice-runs') ?? 7)
  const rows: object[] = []
  for (const model of models) {
    const timesOn = (backends: readonly ('wasm' | 'webgpu')[] | undefined) =>
      withPage(site, softwareAdapter, print, (page) =>
        page.evaluate(([given, name, specs, count]) => hitherBench.timesOn(given ?? undefined, name, specs, count), [
          backends ?? null,
          model.name,
          specsOf(model),
          runs,
        ] as const),
      )
    const chosen = await timesOn(undefined)
    const [wasm, webgpu] = [await timesOn(['wasm']), await timesOn(['webgpu'])]
    const medians = { wasm: quantile(wasm.times, 0.5), webgpu: quantile(webgpu.times, 0.5) }
    const best = Math.min(medians.wasm, medians.webgpu)
    const timeOfChosen = chosen.backend === 'webgpu' ? medians.webgpu : medians.wasm
    const row = {
      model: model.name,
      chosen: chosen.backend,
      chosenOverBest: timeOfChosen / best,
      webgpuBecausePresentOverBest: medians.webgpu / best,
      medians,
      measuredByClientMs: quantile(chosen.times, 0.5),
      probe: chosen.measured,
    }
    rows.push(row)
    print(
      `${model.name}: chose ${row.chosen}, ${row.chosenOverBest.toFixed(3)} x the best backend's time (asked: at most 1.05); WebGPU because it is present: ${row.webgpuBecausePresentOverBest.toFixed(1)} x (WASM ${ms(medians.wasm)}, WebGPU ${ms(medians.webgpu)})`,
    )
  }
  return rows
}

/** Memory over many runs, and over many loads and unloads. */
async function measureMemory(site: Site, flags: BenchFlags, print: Print) {
  const runs = Number(flags.value('memory-runs') ?? 10_000)
  const cycles = Number(flags.value('cycles') ?? 200)
  const eager = ['--enable-blink-features=ForceEagerMeasureMemory']
  const steps = 20
  const sampled = (work: (page: Page) => Promise<void>, open: object) =>
    withPage(site, eager, print, async (page) => {
      await page.evaluate((options) => hitherBench.open(options), open)
      const browser = page.context().browser()
      const samples: { bytes: number; resident: number | undefined }[] = []
      for (let step = 0; step <= steps; step += 1) {
        await work(page)
        const bytes = await page.evaluate(() => hitherBench.memory())
        samples.push({ bytes, resident: browser === null ? undefined : await residentBytes(browser) })
      }
      return samples.slice(1) // the first share warms up
    })
  const inRuns = await sampled(
    (page) =>
      page.evaluate(([name, specs, count]) => hitherBench.run(name, specs, count), [
        digits.name,
        specsOf(digits),
        Math.ceil(runs / steps),
      ] as const),
    { runtime: { shareTabs: false, threads: 1 } },
  )
  const pair = ['left', 'right']
  const inCycles = await sampled(
    (page) =>
      page.evaluate(([names, count]) => hitherBench.loadInTurn(names, count), [
        pair,
        Math.ceil(cycles / 2 / steps),
      ] as const),
    { runtime: { shareTabs: false, threads: 1, memoryBytes: 30_000_000 } },
  )
  const toRow = (what: string, samples: typeof inRuns, each: number, unit: number) => {
    const slope = slopePer(samples.map(({ bytes }) => bytes)) * (unit / each)
    const residents = samples.flatMap(({ resident }) => (resident === undefined ? [] : [resident]))
    const residentSlope = residents.length === samples.length ? slopePer(residents) * (unit / each) : undefined
    const [first, last] = [samples[0], samples.at(-1)]
    print(
      `${what}: ${(slope / 1e3).toFixed(1)} kB per ${unit} in the page and its workers${residentSlope === undefined ? '' : `, ${(residentSlope / 1e3).toFixed(1)} kB resident`} (from ${((first?.bytes ?? 0) / 1e6).toFixed(1)} MB to ${((last?.bytes ?? 0) / 1e6).toFixed(1)} MB)`,
    )
    return { what, per: unit, slopeBytes: slope, residentSlopeBytes: residentSlope, samples }
  }
  return [
    toRow(`${runs} runs`, inRuns, Math.ceil(runs / steps), 1_000),
    toRow(`${cycles} loads and unloads`, inCycles, 2 * Math.ceil(cycles / 2 / steps), 100),
  ]
}

/** Kills the tab that runs for the others while runs are under way, again and again. */
async function measureTakeOver(site: Site, flags: BenchFlags, print: Print) {
  const deaths = Number(flags.value('deaths') ?? 5)
  const model = models.at(1) ?? digits
  const specs = specsOf(model)
  const times: number[] = []
  let lost = 0
  const browser = await openBenchBrowser()
  try {
    const context = await browser.newContext()
    const openTab = async () => {
      const page = await context.newPage()
      await page.goto(`${site.origin}/overhead.html`)
      await page.waitForFunction(() => 'hitherBench' in globalThis)
      await page.evaluate(() => hitherBench.open({ runtime: { threads: 1 } }))
      await page.evaluate(([name, given]) => hitherBench.run(name, given, 1), [model.name, specs] as const)
      return page
    }
    let leader = await openTab()
    for (let death = 0; death < deaths; death += 1) {
      const follower = await openTab()
      const count = 5
      const running = follower.evaluate(([name, given, runs]) => hitherBench.runAll(name, given, runs), [
        model.name,
        specs,
        count,
      ] as const)
      const session = await context.newCDPSession(leader)
      const crashed = leader.waitForEvent('crash')
      const killedAtMs = Date.now()
      session.send('Page.crash').catch(() => {})
      await crashed
      const { answered, atMs } = await running
      lost += count - answered
      times.push(atMs - killedAtMs)
      leader = follower
    }
  } finally {
    await browser.close()
  }
  const summary = summarize(times)
  print(
    `leader's tab killed ${deaths} times with 5 runs of ${model.name} under way: all answered after ${ms(summary.median)} (${ms(summary.q1)} to ${ms(summary.q3)}, asked: 2 s), ${lost} lost`,
  )
  return { ...summary, lost }
}

/** Crashes the graphics process in the middle of a run on WebGPU: how long until a new worker has answered it. */
async function measureRecovery(site: Site, flags: BenchFlags, print: Print) {
  const times: number[] = []
  const model = models.at(1) ?? digits
  const specs = specsOf(model)
  // After more crashes than two, this browser starts no graphics process again.
  for (let round = 0; round < Number(flags.value('crashes') ?? 3); round += 1) {
    await withPage(site, softwareAdapter, print, async (page) => {
      await page.evaluate(() => hitherBench.open({ runtime: { backends: ['webgpu'], shareTabs: false } }))
      await page.evaluate(([name, given]) => hitherBench.run(name, given, 1), [model.name, specs] as const)
      const running = page.evaluate(([name, given]) => hitherBench.runAll(name, given, 1), [model.name, specs] as const)
      const session = await page.context().browser()?.newBrowserCDPSession()
      const crashedAtMs = Date.now()
      session?.send('Browser.crashGpuProcess' as never).catch(() => {})
      const { answered, atMs } = await running
      if (answered === 1) times.push(atMs - crashedAtMs)
    })
  }
  const summary = summarize(times)
  print(
    `graphics process crashed in the middle of a run of ${model.name}: answered after ${ms(summary.median)} (${ms(summary.q1)} to ${ms(summary.q3)}), the new worker's start, the load and the run on this software adapter in it`,
  )
  return summary
}

const parts = {
  requests: compareRequests,
  choice: compareChoice,
  memory: measureMemory,
  takeover: measureTakeOver,
  recovery: measureRecovery,
}

/** What Hither adds to a run, what its choice of a backend costs, and whether its memory stays flat. */
export const bench: Bench = async (flags, print) => {
  const only = flags.value('only')?.split(',')
  if (!hasSharedModels) print('../shared/models is not there: UltraFace and SqueezeNet are left out')
  const pair = ['left', 'right'].map((name) => ({ ...(hasSharedModels ? squeezenet : digits), name }))
  const site = await openEdgeSite({
    pages: ['overhead'],
    models: [...models, ...pair],
    transformers: models,
  })
  const figures: Record<string, unknown> = {}
  try {
    for (const [name, part] of Object.entries(parts)) {
      if (only !== undefined && !only.includes(name)) continue
      print(`\n${name}`)
      figures[name] = await part(site, flags, print)
    }
  } finally {
    await site.close()
  }
  return figures
}

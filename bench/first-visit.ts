import type { Browser } from 'playwright'
import type { Foretold } from './pages/first-visit.ts'
import type { Bench } from './support/bench.ts'
import { openBenchBrowser, printErrors } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { quantile } from './support/quantiles.ts'
import { openShapedLink } from './support/shaped-link.ts'
import { hasSharedModels, type SharedModel, sharedModels } from './support/shared-models.ts'

declare const bring: (model: string) => Promise<(Foretold | undefined)[]>

const languages: SharedModel = {
  name: 'languages',
  path: 'packages/hither-models/models/language-identification/1/model.onnx',
  own: true,
  inputs: [{ name: 'text', type: 'int32', shape: [1, -1] }],
  outputs: [{ name: 'probabilities', type: 'float32', shape: [1, 75] }],
  macs: 20_192,
}
/** 0.3, 3.0 and 14 MB. */
const models: readonly SharedModel[] = [
  sharedModels.digits,
  languages,
  ...(hasSharedModels ? [sharedModels.mobilenet] : []),
]
/** Megabits a second; `unshaped` is this machine's own loopback. */
const links = ['1', '10', '100', 'unshaped']
const roundTripMs = 40
/** What is asked of the median of predicted over actual, and of the share of actual times under the 90th percentile. */
const asked = { later: [0.67, 1.5], first: [0.5, 2], covered: [0.85, 0.95], firstLinks: ['10', '100'] } as const
const patienceMs = 600_000

interface Sample extends Foretold {
  readonly link: string
  readonly model: string
  /** The profile's very first request: it has seen nothing but the page's own files. */
  readonly isFirst: boolean
}

const within = (value: number, [from, to]: readonly [number, number]) => value >= from && value <= to
const verdict = (isMet: boolean) => (isMet ? 'met' : 'MISSED')

function summarizeCell(samples: readonly Sample[]) {
  const ratios = samples.map(({ meanMs, actualMs }) => meanMs / actualMs)
  return {
    requests: samples.length,
    ratio: quantile(ratios, 0.5),
    q1: quantile(ratios, 0.25),
    q3: quantile(ratios, 0.75),
    actualMs: quantile(
      samples.map(({ actualMs }) => actualMs),
      0.5,
    ),
    covered: samples.filter(({ actualMs, p90Ms }) => actualMs <= p90Ms).length / samples.length,
  }
}

/**
 * How long models take to come on a first visit: predicted, held against what they took. Each profile is
 * fresh, and brings all models one after the other, each profile beginning with another one.
 */
export const bench: Bench = async (flags, print) => {
  const listed = (name: string, all: readonly string[]) => {
    const wanted = flags.value(name)?.split(',')
    return wanted === undefined ? all : all.filter((each) => wanted.includes(each))
  }
  const profiles = Number(flags.value('profiles') ?? 15)
  const together = Number(flags.value('together') ?? 3)
  const names = listed(
    'models',
    models.map(({ name }) => name),
  )
  const wantedLinks = listed('links', links)
  const site = await openEdgeSite({ pages: ['first-visit'], models, compressed: true })
  const browser = await openBenchBrowser()
  const samples: Sample[] = []
  let unmeasured = 0

  const visit = async (opened: Browser, link: string, profile: number) => {
    const shaped =
      link === 'unshaped'
        ? undefined
        : await openShapedLink(site.port, { bitsPerSecond: Number(link) * 1e6, roundTripMs })
    const context = await opened.newContext()
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(patienceMs)
      printErrors(page, print)
      await page.goto(`${shaped?.origin ?? site.origin}/first-visit.html`)
      await page.waitForFunction(() => 'bring' in globalThis)
      for (const [turn] of names.entries()) {
        const model = names[(turn + profile) % names.length] ?? ''
        const foretold = await page.evaluate((name) => bring(name), model)
        for (const [index, each] of foretold.entries()) {
          if (each === undefined) unmeasured += 1
          else samples.push({ ...each, link, model, isFirst: turn === 0 && index === 0 })
          if (flags.has('verbose') && each !== undefined) {
            const { meanMs, p90Ms, actualMs, status } = each
            const figures = [meanMs, p90Ms, actualMs].map((ms) => ms.toFixed(0).padStart(7)).join(' ')
            print(
              `${link.padEnd(8)} ${model.padEnd(10)} ${turn}.${index} ${figures} ${(meanMs / actualMs).toFixed(2)} ${status}`,
            )
          }
        }
      }
    } finally {
      await context.close()
      await shaped?.close()
    }
  }

  try {
    // The endpoint has served others before: its models are loaded.
    await visit(browser, 'unshaped', 0)
    samples.length = 0
    for (const link of wantedLinks) {
      // On a slow link the processor has nothing to do; on a fast one it is what is measured.
      const size = link === '1' ? together : 1
      for (let profile = 0; profile < profiles; profile += size) {
        const batch = Array.from({ length: Math.min(size, profiles - profile) }, (_, index) => profile + index)
        await Promise.all(batch.map((each) => visit(browser, link, each)))
      }
    }
  } finally {
    await browser.close()
    await site.close()
  }

  const cells = wantedLinks.flatMap((link) =>
    names.map((model) => {
      const own = samples.filter((sample) => sample.link === link && sample.model === model && !sample.isFirst)
      const cell = summarizeCell(own)
      return { link, model, ...cell, met: within(cell.ratio, asked.later) }
    }),
  )
  const firsts = wantedLinks.map((link) => {
    const cell = summarizeCell(samples.filter((sample) => sample.link === link && sample.isFirst))
    const isAsked = (asked.firstLinks as readonly string[]).includes(link)
    return { link, ...cell, ...(isAsked ? { met: within(cell.ratio, asked.first) } : {}) }
  })
  const all = summarizeCell(samples)
  const covered = { share: all.covered, requests: samples.length, unmeasured, met: within(all.covered, asked.covered) }

  const show = (cell: (typeof cells)[number] | (typeof firsts)[number]) =>
    `${cell.ratio.toFixed(2)} (${cell.q1.toFixed(2)} to ${cell.q3.toFixed(2)}, ${cell.requests} requests, ${(cell.actualMs / 1_000).toFixed(2)} s; ${Math.round(cell.covered * 100)} % under the 90th percentile)`
  print(
    `predicted over actual, median and quartiles; ${profiles} fresh profiles a link, ${roundTripMs} ms on shaped ones`,
  )
  print(`from the second request of a profile on (asked: ${asked.later.join(' to ')})`)
  for (const cell of cells) {
    print(`  ${cell.link.padEnd(8)} ${cell.model.padEnd(10)} ${show(cell)}: ${verdict(cell.met)}`)
  }
  print(`a profile's first request (asked: ${asked.first.join(' to ')} at 10 and 100 Mbit/s)`)
  for (const cell of firsts) {
    print(`  ${cell.link.padEnd(8)} ${show(cell)}${cell.met === undefined ? '' : `: ${verdict(cell.met)}`}`)
  }
  print(
    `under the 90th percentile: ${(100 * covered.share).toFixed(1)} % of ${samples.length} (asked: 85 to 95 %): ${verdict(covered.met)}${unmeasured === 0 ? '' : `; ${unmeasured} requests were not measured`}`,
  )
  return { profiles, cells, firsts, covered }
}

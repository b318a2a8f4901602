import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { createServer } from 'vite'
import { watchWorkerHeaps } from '../e2e/support/worker-heap.ts'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { BenchPage } from './store/page.ts'
import { openModelServer } from './store/server.ts'
import type { Bench } from './support/bench.ts'
import { type Summary, summarize } from './support/quantiles.ts'

declare const bench: BenchPage

const mebibyte = 1024 * 1024
const chunkBytes = 8 * mebibyte
const root = new URL('..', import.meta.url).pathname

/** Serves the bench's page, and the models of the server as if they were beside it. */
async function openPage(modelOrigin: string) {
  const vite = await createServer({
    root,
    configFile: `${root}vite.config.ts`,
    logLevel: 'error',
    cacheDir: `${root}node_modules/.vite-bench`,
    optimizeDeps: { exclude: ['onnxruntime-web'], include: ['@huggingface/transformers'] },
    server: { port: 0, host: '127.0.0.1', hmr: false, proxy: { '/models': modelOrigin } },
  })
  await vite.listen()
  const address = vite.httpServer?.address()
  const port = typeof address === 'object' ? address?.port : undefined
  // A profile on disk, as people have: in any other, Chromium keeps all three stores in memory.
  const profile = mkdtempSync(join(tmpdir(), 'hither-bench-'))
  const context = await chromium.launchPersistentContext(profile, { executablePath: findBrowser(), args: browserArgs })
  const page = context.pages()[0] ?? (await context.newPage())
  const heaps = await watchWorkerHeaps(context, page)
  await page.goto(`http://127.0.0.1:${port}/bench/store/index.html`)
  await page.waitForFunction(() => 'bench' in globalThis)
  return {
    page,
    heaps,
    async close() {
      await context.close()
      await vite.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

type Series = Record<string, number[]>
const collect = (series: Series, figures: Record<string, number>) => {
  for (const [name, ms] of Object.entries(figures)) series[name] = [...(series[name] ?? []), ms]
}
const summaries = (series: Series): Record<string, Summary> =>
  Object.fromEntries(Object.entries(series).map(([name, samples]) => [name, summarize(samples)]))
/** The median of what each round gives: what else the machine does in a round slows both. */
const ratioOf = (series: Series, name: string, to: string) =>
  summarize((series[name] ?? []).map((ms, round) => ms / (series[to]?.[round] ?? Number.NaN))).median

/** Writes and reads of one model in the store, the Cache API and OPFS, in turn. */
async function measurePeers(megabytes: number, rounds: number) {
  const server = await openModelServer(1, undefined)
  const { page, close } = await openPage(server.origin)
  try {
    await page.evaluate((size) => bench.open(size), megabytes)
    const writes: Series = {}
    const reads: Series = {}
    for (let round = 0; round < rounds; round += 1) {
      collect(writes, await page.evaluate((first) => bench.round('writes', first), round))
      collect(reads, await page.evaluate((first) => bench.round('reads', first), round))
    }
    await page.evaluate(() => bench.close())
    const ratios = {
      readToCache: ratioOf(reads, 'store', 'cache'),
      unhashedReadToCache: ratioOf(reads, 'storeUnhashed', 'cache'),
      hashCost: ratioOf(reads, 'store', 'storeUnhashed'),
    }
    return { writes: summaries(writes), reads: summaries(reads), ratios }
  } finally {
    await close()
    await server.close()
  }
}

/** The most that the downloading worker holds, garbage collected, while a model of this size streams in. */
async function measureHeap(megabytes: number) {
  const server = await openModelServer(megabytes * mebibyte, undefined)
  const { page, heaps, close } = await openPage(server.origin)
  try {
    const startedAt = performance.now()
    let isDone = false
    const done = page
      .evaluate(() => bench.download('bench', 1))
      .finally(() => {
        isDone = true
      })
    let peakBytes = 0
    let base: number | undefined
    while (!isDone) {
      const sample = await heaps.sample('background').catch(() => undefined)
      if (sample !== undefined) {
        const bytes = sample.usedBytes + sample.bufferBytes
        base ??= bytes
        peakBytes = Math.max(peakBytes, bytes)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const outcomes = await done
    return { megabytes, outcomes, ms: performance.now() - startedAt, baseBytes: base ?? Number.NaN, peakBytes }
  } finally {
    await close()
    await server.close()
  }
}

/** Bytes moved in all until the model is whole, when the first connection is cut at this share of the file. */
async function measureCut(megabytes: number, share: number) {
  const bytes = megabytes * mebibyte
  const server = await openModelServer(bytes, share)
  const { page, close } = await openPage(server.origin)
  try {
    const hither = await page.evaluate(() => bench.download('bench', 2))
    const verified = await page.evaluate(() => bench.verify('bench'))
    const transformers = await page.evaluate((origin) => bench.transformers('bench/model', origin, 2), server.origin)
    return {
      bytes,
      cutAtShare: share,
      hither: { movedBytes: server.sent('hither'), outcomes: hither },
      transformers: { movedBytes: server.sent('transformers'), outcomes: transformers },
      verifyMs: verified.ms,
    }
  } finally {
    await close()
    await server.close()
  }
}

/** `--megabytes 256`, `--rounds 5`, `--stream 1024` (MiB that stream in), `--cut 64` (MiB of the model that is cut). */
const storeBench: Bench = async (flags, print) => {
  const number = (name: string, fallback: number) => Number(flags.value(name) ?? fallback)
  const peers = await measurePeers(number('megabytes', 256), number('rounds', 5))
  const { reads, writes, ratios } = peers
  for (const [name, { median: ms, q1, q3 }] of Object.entries(reads)) {
    print(`read  ${name.padEnd(14)} ${ms.toFixed(0).padStart(6)} ms  (${q1.toFixed(0)} to ${q3.toFixed(0)})`)
  }
  for (const [name, { median: ms, q1, q3 }] of Object.entries(writes)) {
    print(`write ${name.padEnd(14)} ${ms.toFixed(0).padStart(6)} ms  (${q1.toFixed(0)} to ${q3.toFixed(0)})`)
  }
  print(`read, hashed, against the Cache API: ${ratios.readToCache.toFixed(2)} (aim: at most 0.8)`)
  print(`read, not hashed, against the Cache API: ${ratios.unhashedReadToCache.toFixed(2)}`)
  print(`read with the hash against without: ${ratios.hashCost.toFixed(2)} (aim: at most 1.25)`)
  const cut = await measureCut(number('cut', 64), 0.9)
  for (const name of ['hither', 'transformers'] as const) {
    const { movedBytes, outcomes } = cut[name]
    print(
      `cut at 90 %: ${name.padEnd(12)} moved ${(movedBytes / cut.bytes).toFixed(2)} times the file (${outcomes.join(', then ')})`,
    )
  }
  const megabytesVerified = cut.bytes / mebibyte
  print(`verify ${megabytesVerified} MiB by sha256: ${cut.verifyMs.toFixed(0)} ms`)
  const heap = await measureHeap(number('stream', 1024))
  const held = (heap.peakBytes - heap.baseBytes) / chunkBytes
  print(
    `${heap.megabytes} MiB streamed in ${(heap.ms / 1000).toFixed(0)} s: at most ${(heap.peakBytes / mebibyte).toFixed(1)} MiB held after a collection, ${held.toFixed(2)} chunks above the start (aim: under 3)`,
  )
  return { peers, cut, heap: { ...heap, chunksHeld: held } }
}

export { storeBench as bench }

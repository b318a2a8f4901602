import type { Browser, Page } from 'playwright'
import type { Hither } from '../../e2e/plain-project/main.ts'
import type { Privacy, RouteRecord } from '../../src/contracts/route.ts'
import type { Choice, Policy } from '../routing/policy.ts'

declare const hither: Hither

/** What happened to one request in the browser. */
export interface Happened {
  /** Milliseconds from the replay's start to the request, and from there to its answer. */
  readonly atMs: number
  readonly ms: number
  readonly ran: 'edge' | 'cloud'
  readonly toCloud: boolean
  /** The engine's share at the edge; at the endpoint, what it said that it took. */
  readonly runMs: number
  /** What was predicted of the arm that started, where the library decided. */
  readonly meanMs?: number
  readonly p90Ms?: number
}

/** A policy that is carried out by the library's privacy modes; undefined: the library decides. */
export type BrowserPolicy = Policy | undefined

const emptyChoice = (): Choice => ({
  nowMs: 0,
  index: 0,
  edgeWaiting: 0,
  edgeElapsedMs: 0,
  edgeReady: true,
  edgeReadyInMs: 0,
  cloudFirst: false,
  secondAfterMs: Number.POSITIVE_INFINITY,
  probe: false,
  p90Ms: Number.NaN,
})

/** The part of a request's time that its arm took to wait and to run. */
const endpointMs = ({ parts }: RouteRecord) => (parts.computeMs ?? 0) + (parts.queueMs ?? 0)

/** One request, with numbers that do not compress. */
const ask = (page: Page, dims: readonly number[], privacy: Privacy) =>
  page.evaluate(
    async ([shape, where]) => {
      const size = shape.reduce((product, dim) => product * dim, 1)
      const x = Float32Array.from({ length: size }, () => Math.random())
      const before = performance.now()
      const result = await hither.settle(async (client, Tensor) => {
        const { route } = await client.run('heavy', { x: new Tensor('float32', x, [...shape]) }, { privacy: where })
        return { route }
      })
      return { ms: performance.now() - before, result }
    },
    [dims, privacy] as const,
  )

/** Requests to the endpoint over no link at all: what the browser, the proxy and this machine take by themselves. */
const bareRequests = 5

/**
 * Runs a session in a browser of its own store, request by request, the next one a gap after the last one's answer.
 *
 * @param options.onReady the model is loaded: the link begins to be what was recorded
 */
export async function runBrowserSession(
  browser: Browser,
  options: {
    readonly origin: string
    readonly endpointOrigin: string
    readonly dims: readonly number[]
    readonly gapsMs: readonly number[]
    readonly policy: BrowserPolicy
    /** Measures the bare time of requests to the endpoint first. Not where the library is to learn the link by itself. */
    readonly measureBare: boolean
    readonly onReady: () => void
  },
): Promise<{ readonly happened: readonly Happened[]; readonly bareMs: readonly number[] }> {
  const { origin, endpointOrigin, dims, gapsMs, policy, measureBare, onReady } = options
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(origin)
    await page.evaluate((url) => hither.open({ endpoint: { url }, report: 'none' }), endpointOrigin)
    await page.evaluate(() => hither.client?.prepare('heavy'))
    const bareMs: number[] = []
    for (let request = 0; measureBare && request < bareRequests; request += 1) {
      const { result, ms } = await ask(page, dims, 'cloud-only')
      // The first one also opens the connection.
      if ('route' in result && request > 0) bareMs.push(ms - endpointMs(result.route))
    }
    onReady()
    const startMs = performance.now()
    const happened: Happened[] = []
    for (const [index, gapMs] of gapsMs.entries()) {
      await new Promise((resolve) => setTimeout(resolve, gapMs))
      const choice = { ...emptyChoice(), index, nowMs: performance.now() - startMs }
      policy?.decide(choice)
      const privacy = policy === undefined ? 'any' : choice.cloudFirst ? 'cloud-only' : 'edge-only'
      const atMs = performance.now() - startMs
      const { result, ms } = await ask(page, dims, privacy)
      const nowMs = performance.now() - startMs
      if (!('route' in result)) {
        // An endpoint that gave no answer: the time it took not to.
        happened.push({ atMs, ms, ran: 'cloud', toCloud: true, runMs: 0 })
        policy?.cloudFailed?.(index, nowMs, ms)
        continue
      }
      const { route } = result
      const runMs = endpointMs(route)
      const predicted = route.predicted[route.plan?.arm ?? route.ran]
      happened.push({
        atMs,
        ms,
        ran: route.ran,
        toCloud: route.attempts.some(({ arm }) => arm === 'cloud'),
        runMs,
        ...(policy === undefined && predicted !== undefined
          ? { meanMs: predicted.meanMs, p90Ms: predicted.p90Ms }
          : {}),
      })
      if (route.ran === 'edge') policy?.edgeEnded?.(index, nowMs, ms, ms, true)
      else policy?.cloudAnswered?.(index, nowMs, ms, runMs)
      policy?.ended?.(index, nowMs)
    }
    return { happened, bareMs }
  } finally {
    await context.close()
  }
}

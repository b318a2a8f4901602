import type { EdgeEngine, EdgeRun } from '../../edge/edge-types.ts'
import { sleep } from '../../utils/sleep.ts'

/**
 * An edge that pretends to be `slowdown` times as slow: its runs take that much longer, and what it reports of its speed
 * fits that. Downloads and loading are not slowed.
 */
export function slowEdge(edge: EdgeEngine, slowdown: number): EdgeEngine {
  const slowLoaded = <T extends { readonly warmupMs: number }>(loaded: T): T => ({
    ...loaded,
    warmupMs: loaded.warmupMs * slowdown,
  })
  return {
    ...edge,
    async load(manifest, readFiles) {
      return slowLoaded(await edge.load(manifest, readFiles))
    },
    loaded(manifest) {
      const loaded = edge.loaded(manifest)
      return loaded && slowLoaded(loaded)
    },
    async run(manifest, inputs, options): Promise<EdgeRun> {
      const run = await edge.run(manifest, inputs, options)
      const extraMs = run.computeMs * (slowdown - 1)
      await sleep(extraMs, options.signal)
      return { ...run, computeMs: run.computeMs + extraMs, totalMs: run.totalMs + extraMs }
    },
    forecast(manifest) {
      const forecast = edge.forecast(manifest)
      return forecast?.ms === undefined ? forecast : { ...forecast, ms: forecast.ms * slowdown }
    },
    report() {
      const report = edge.report()
      const backends = report.backends.map((measured) =>
        measured.macsPerSecond === undefined
          ? measured
          : { ...measured, macsPerSecond: measured.macsPerSecond / slowdown },
      )
      return { ...report, backends }
    },
  }
}

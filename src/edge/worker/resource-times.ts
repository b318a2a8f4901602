import type { ResourceTimes } from '../../network/resource-transfers.ts'

/** Tells when this worker has loaded a runtime's file, which is the large one. */
export function watchRuntimeFile(tell: (times: ResourceTimes[]) => void): PerformanceObserver {
  const observer = new PerformanceObserver(() => {
    const times = resourceTimes()
    // The scripts beside it have "wasm" in their names, too.
    if (times.some(({ name }) => /\.wasm($|\?)/.test(name))) tell(times)
  })
  observer.observe({ type: 'resource' })
  return observer
}

/** What the browser says of the files that this worker has loaded. */
export const resourceTimes = (): ResourceTimes[] =>
  (performance.getEntriesByType('resource') as PerformanceResourceTiming[]).map(
    ({ name, requestStart, responseStart, responseEnd, transferSize, encodedBodySize, workerStart }) => ({
      name,
      requestStart,
      responseStart,
      responseEnd,
      transferSize,
      encodedBodySize,
      workerStart,
    }),
  )

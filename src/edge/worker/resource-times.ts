import type { ResourceTimes } from '../../network/resource-transfers.ts'

/**
 * Tells once when this worker has loaded a runtime's file, which is the large one.
 *
 * @returns ends that
 */
export function watchRuntimeFile(tell: (times: ResourceTimes[]) => void): () => void {
  const observer = new PerformanceObserver(() => {
    const times = resourceTimes()
    if (!times.some(({ name }) => /\.wasm($|[?#])/.test(name))) return
    observer.disconnect()
    tell(times)
  })
  observer.observe({ type: 'resource' })
  return () => observer.disconnect()
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

import type { ResourceTimes } from '../../network/resource-transfers.ts'

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

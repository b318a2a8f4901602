import type { Page, Worker } from '@playwright/test'

/** The workers that run a page's models, the last started last: one for each runtime and number of threads in use. */
export const edgeWorkersOf = (page: Page): Worker[] =>
  page.workers().filter((worker) => worker.url().includes('edge.worker'))

/** The worker that started last. One that has ended may still be listed before it. */
export function edgeWorkerOf(page: Page): Worker {
  const worker = edgeWorkersOf(page).at(-1)
  if (worker === undefined) throw new Error('the page has no edge worker')
  return worker
}

import type { RuntimeProgress } from '../../edge/edge-types.ts'
import type { DownloadRates } from '../../network/download-rates.ts'
import { isFromNetwork } from '../../network/resource-transfers.ts'
import type { PreparationLearner } from '../../routing/learning/preparation-learner.ts'

/** Of a runtime's files one is large: its code. The others are scripts, and say as little of a link as a page's own. */
const leastBytes = 100_000

/** Learns from a runtime how fast its file came, as soon as it is here, and then how long it took to be compiled. */
export function learnRuntime(
  { flavor, tookMs, times }: RuntimeProgress,
  { preparations, rates }: { readonly preparations: PreparationLearner; readonly rates?: DownloadRates },
): void {
  const fetched = times.filter((entry) => isFromNetwork(entry) && entry.encodedBodySize >= leastBytes)
  let [bytes, downloadMs] = [0, 0]
  for (const { name, encodedBodySize, responseStart, responseEnd } of fetched) {
    const ms = responseEnd - responseStart
    if (!(responseStart > 0 && ms > 0)) continue
    bytes += encodedBodySize
    downloadMs += ms
    if (tookMs === undefined) {
      rates?.observe({ origin: new URL(name).origin, bytes: encodedBodySize, ms, kind: 'download' })
    }
  }
  if (tookMs === undefined) return
  // Where the browser hides the sizes of another origin's files, the address is known all the same.
  const address = (fetched[0] ?? times.find(({ name }) => name.endsWith('.wasm')))?.name
  const origin = address === undefined || !URL.canParse(address) ? undefined : new URL(address).origin
  preparations.observeRuntime({ flavor, tookMs, bytes, downloadMs: Math.min(downloadMs, tookMs), origin })
}

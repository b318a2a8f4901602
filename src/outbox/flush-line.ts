import type { Batch } from '../contracts/report.ts'
import type { OutboxLedger } from './outbox-ledger.ts'
import type { SendOutcome } from './send-reports.ts'
import type { WaitingReport } from './waiting-line.ts'

/** How a flush ended. */
export type FlushResult =
  | { readonly kind: 'empty' }
  | { readonly kind: 'unwanted' }
  | { readonly kind: 'later'; readonly code: string; readonly retryAfterMs?: number | undefined }

export interface FlushOptions {
  readonly ledger: OutboxLedger
  readonly send: (batch: Batch) => Promise<SendOutcome>
  readonly browser?: Batch['browser']
  readonly now: () => number
  /** Called with what has left the line, as soon as it has. */
  readonly onSettled?: (keys: readonly string[]) => void
}

/** Size of a batch that a slow uplink still carries within seconds. */
const batchLimits = { reports: 100, bytes: 48_000 }
/** Once so many in a row are refused and none taken, the fault is hardly theirs: the rest waits. */
const mostRefusedInARow = 5

interface Run extends FlushOptions {
  /** Reports buried since the endpoint last took one. */
  refusedInARow: number
}

/**
 * Sends the line, oldest first, until it is empty or the endpoint can't take more now. A batch that is refused is
 * sent in halves, until the one report that is at fault stands alone and is buried: it never blocks the rest.
 */
export async function flushLine(options: FlushOptions): Promise<FlushResult> {
  const run: Run = { ...options, refusedInARow: 0 }
  for (;;) {
    const batch = await run.ledger.next(batchLimits)
    if (batch.length === 0) return { kind: 'empty' }
    const result = await sendPart(run, batch)
    if (result !== undefined) return result
  }
}

/** Sends a part of the line. Undefined when each of its reports has left the line. */
async function sendPart(run: Run, part: readonly WaitingReport[]): Promise<FlushResult | undefined> {
  const { ledger, send, browser, now, onSettled } = run
  const settle = async (keys: readonly string[]) => {
    await ledger.settle(keys)
    onSettled?.(keys)
  }
  const bury = async (key: string, reason: string) => {
    await ledger.bury(key, reason)
    onSettled?.([key])
  }
  const { dropped } = await ledger.state()
  const outcome = await send({
    version: 1,
    device: await ledger.device(),
    sentAtMs: now(),
    ...(browser === undefined ? {} : { browser }),
    dropped,
    reports: part.map(({ report }) => report),
  })
  if (outcome.kind === 'unwanted') return outcome
  if (outcome.kind === 'later') return outcome
  if (outcome.kind === 'refused') {
    const [only] = part
    if (part.length === 1 && only !== undefined) {
      if (run.refusedInARow >= mostRefusedInARow) return { kind: 'later', code: 'cloud-refused' }
      run.refusedInARow += 1
      await bury(only.key, outcome.reason)
      return undefined
    }
    const middle = Math.ceil(part.length / 2)
    return (await sendPart(run, part.slice(0, middle))) ?? (await sendPart(run, part.slice(middle)))
  }
  const { accepted, duplicates, rejected } = outcome.acknowledgement
  const taken = new Set([...accepted, ...duplicates])
  run.refusedInARow = 0
  const reasons = new Map(rejected.map(({ id, reason }) => [id, reason]))
  await settle(part.filter(({ report }) => taken.has(report.id)).map(({ key }) => key))
  for (const { key, report } of part) {
    const reason = reasons.get(report.id)
    if (reason !== undefined && !taken.has(report.id)) await bury(key, reason)
  }
  // An endpoint that names none of them would be asked for ever.
  const isProgress = part.some(({ report }) => taken.has(report.id) || reasons.has(report.id))
  return isProgress ? undefined : { kind: 'later', code: 'cloud-bad-response' }
}

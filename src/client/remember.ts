import type { Link } from '../network/link.ts'
import type { RouteLearner } from '../routing/route-learner.ts'
import type { Background } from './create-background.ts'

const saveAfterMs = 2_000

/** Keeps what was measured from one visit to the next, per endpoint. */
export interface Memory {
  /** Settles once what was stored is back, or there was nothing. Never rejects. */
  readonly restored: Promise<void>
  /** Saves in a while; several calls save once. */
  save(): void
  close(): void
}

export function createMemory(
  background: Background,
  learner: RouteLearner,
  link: Link | undefined,
  origin: string,
): Memory {
  const key = `measured/${origin}`
  let timer: ReturnType<typeof setTimeout> | undefined
  const restore = async () => {
    const stored = await background.readRecord(key)
    if (typeof stored !== 'object' || stored === null) return
    if ('learner' in stored) learner.restore(stored.learner)
    if ('link' in stored) link?.restore(stored.link)
  }
  return {
    restored: restore().catch(() => {}),
    save() {
      timer ??= setTimeout(() => {
        timer = undefined
        background.writeRecord(key, { learner: learner.snapshot(), link: link?.snapshot() }).catch(() => {})
      }, saveAfterMs)
    },
    close() {
      clearTimeout(timer)
    },
  }
}

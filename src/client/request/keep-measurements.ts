import type { RouteLearner } from '../../routing/learning/route-learner.ts'
import type { Router } from '../../routing/router-types.ts'
import type { Background } from '../background/create-background.ts'
import type { CloudLink } from '../cloud/cloud-link.ts'

const saveAfterMs = 2_000

/** Keeps what was measured from one visit to the next: of this device, and of each endpoint. */
export interface Memory {
  /** Settles once what was stored is back, or there was nothing. Never rejects. */
  readonly restored: Promise<void>
  /** Saves in a while; several calls save once. */
  save(): void
  close(): void
}

export function createMemory(
  background: Background,
  known: { readonly learner: RouteLearner; readonly router: Router; readonly clouds: readonly CloudLink[] },
): Memory {
  const { learner, router, clouds } = known
  const edgeKey = 'measured/'
  const keyOf = ({ name }: CloudLink) => `${edgeKey}${name}`
  let timer: ReturnType<typeof setTimeout> | undefined
  const read = async (key: string, take: (stored: object) => void) => {
    const stored = await background.readRecord(key).catch(() => undefined)
    if (typeof stored === 'object' && stored !== null) take(stored)
  }
  const restore = async () => {
    await Promise.all([
      read(edgeKey, (stored) => {
        if ('learner' in stored) learner.restore(stored.learner)
        if ('router' in stored) router.restore(stored.router)
      }),
      ...clouds.map((cloud) =>
        read(keyOf(cloud), (stored) => {
          if ('learner' in stored) cloud.learner.restore(stored.learner)
          if ('link' in stored) cloud.link.restore(stored.link)
        }),
      ),
    ])
  }
  const write = (key: string, value: unknown) => void background.writeRecord(key, value).catch(() => {})
  return {
    restored: restore(),
    save() {
      timer ??= setTimeout(() => {
        timer = undefined
        write(edgeKey, { learner: learner.snapshot(), router: router.snapshot() })
        for (const cloud of clouds) {
          write(keyOf(cloud), { learner: cloud.learner.snapshot(), link: cloud.link.snapshot() })
        }
      }, saveAfterMs)
    },
    close() {
      clearTimeout(timer)
    },
  }
}

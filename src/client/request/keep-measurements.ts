import type { DownloadRates } from '../../network/download-rates.ts'
import type { PreparationLearner } from '../../routing/learning/preparation-learner.ts'
import type { RouteLearner } from '../../routing/learning/route-learner.ts'
import type { Router } from '../../routing/router-types.ts'
import type { Background } from '../background/create-background.ts'
import type { CloudLink } from '../cloud/cloud-link.ts'

const saveAfterMs = 2_000

/** The measurements of this device, of the servers of its files and of each endpoint, kept from one visit to the next. */
export interface KeptMeasurements {
  /** Settles once the stored measurements are restored, or there were none. Never rejects. */
  readonly restored: Promise<void>
  /** Saves 2 s later; calls until then are one. */
  save(): void
  close(): void
}

export function keepMeasurements(
  background: Pick<Background, 'readRecord' | 'writeRecord'>,
  known: {
    readonly learner: RouteLearner
    readonly preparations: PreparationLearner
    readonly rates: DownloadRates
    readonly router: Router
    readonly clouds: readonly CloudLink[]
  },
): KeptMeasurements {
  const { learner, preparations, rates, router, clouds } = known
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
        if ('preparations' in stored) preparations.restore(stored.preparations)
        if ('rates' in stored) rates.restore(stored.rates)
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
        write(edgeKey, {
          learner: learner.snapshot(),
          preparations: preparations.snapshot(),
          rates: rates.snapshot(),
          router: router.snapshot(),
        })
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

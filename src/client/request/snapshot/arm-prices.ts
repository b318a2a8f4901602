import type { ArmPrice } from '../../../routing/router-types.ts'

/** What a processor at work draws beyond what it draws at rest, in watts: a phone's few, a laptop's tens. Assumed. */
const computeWatts = 6
/** What a radio draws while it sends and waits, in watts. Assumed. */
const radioWatts = 1.2

/** What a run here costs beside time: energy to compute, and the bytes still to be fetched. */
export const edgePrice = (run: { readonly computeMs: number; readonly downloadBytes: number }): ArmPrice => ({
  energyJ: (computeWatts * run.computeMs) / 1000,
  dataBytes: run.downloadBytes,
})

/** What a run there costs beside time: the endpoint's money, the radio's energy, bytes both ways. */
export const cloudPrice = (run: {
  readonly moneyPerRequest: number
  readonly totalMs: number
  readonly wireBytes: number
}): ArmPrice => ({
  money: run.moneyPerRequest,
  energyJ: (radioWatts * run.totalMs) / 1000,
  dataBytes: run.wireBytes,
})

import { defaultMemoryBudget } from '../../device/memory-budget.ts'
import type { SimulatedNetwork } from '../../network/simulated-network.ts'
import { defaultBackends } from '../options/default-backends.ts'
import type { RuntimeOptions, StorageOptions } from '../types/client-options.ts'
import type { BackgroundSettings } from './worker/background-types.ts'

/** What the second worker is opened with, and who answers it for a token. */
export function toBackgroundSettings(
  catalogUrl: string,
  runtime: RuntimeOptions,
  storage: StorageOptions,
  network?: SimulatedNetwork,
): [BackgroundSettings, (origin: string) => Promise<string | undefined>] {
  const { tokens = {}, downloadOnMetered: _, autoUpdate: __, ...download } = storage
  const { backends = defaultBackends, memoryBytes = defaultMemoryBudget() } = runtime
  return [
    { ...download, catalogUrl, backends, memoryBytes, tokenOrigins: Object.keys(tokens), network },
    async (origin) => {
      const token = tokens[origin]
      return typeof token === 'function' ? token() : token
    },
  ]
}

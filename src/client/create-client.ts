import { createPowerWatcher } from '../device/power-watcher.ts'
import type { Traffic } from '../models/transfer/traffic-meter.ts'
import { createNetworkWatcher } from '../network/network-watcher.ts'
import { pretendWatcher } from '../network/pretend-watcher.ts'
import { assembleClient } from './assemble-client.ts'
import { toBackgroundSettings } from './background/background-settings.ts'
import { createBackground } from './background/create-background.ts'
import { keepManifests } from './background/manifest-cache.ts'
import { createModelChanges } from './background/model-changes.ts'
import { createClientEdge } from './edge/client-edge.ts'
import { slowEdge } from './edge/slow-edge.ts'
import { toClientSettings } from './options/client-settings.ts'
import { startBackgroundWorker, startEdgeWorker } from './start-workers.ts'
import type { ClientOptions } from './types/client-options.ts'
import type { Client } from './types/client-types.ts'

/**
 * Creates a client: runs models on this device when here is faster, on the endpoint when it is not.
 *
 * Nothing is fetched and no worker is started before the first call.
 *
 * @example
 * ```ts
 * const client = createClient({ endpoint: { url: 'https://infer.example.com' } })
 * const { answer, route } = await client.run('digits', { image: canvas })
 * console.log(answer?.label, route.ran, route.why)
 * ```
 *
 * @throws {ConfigError} `config-invalid`: an option is not what it should be
 */
export function createClient(options: ClientOptions = {}): Client {
  const settings = toClientSettings(options)
  const { catalogUrl, runtime, storage, simulate, saveData } = settings
  const changes = createModelChanges()
  let hearTraffic: (traffic: Traffic) => void = () => {}
  const background = keepManifests(
    createBackground(
      startBackgroundWorker,
      ...toBackgroundSettings(catalogUrl, runtime, storage, simulate?.network),
      (traffic) => hearTraffic(traffic),
    ),
    undefined,
    changes,
  )
  return assembleClient(settings, {
    background,
    changes,
    watcher: pretendWatcher(createNetworkWatcher(), { offline: simulate?.network === 'offline', saveData }),
    power: createPowerWatcher(),
    createEdge(events) {
      const edge = createClientEdge(runtime, { startWorker: startEdgeWorker, background, ...events })
      return simulate?.slowdown === undefined ? edge : slowEdge(edge, simulate.slowdown)
    },
    onTraffic(listener) {
      hearTraffic = listener
    },
    loadPipeline: () => import('./request/pipeline.ts'),
  })
}

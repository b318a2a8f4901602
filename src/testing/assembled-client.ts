import { vi } from 'vitest'
import { assembleClient } from '../client/assemble-client.ts'
import type { Background } from '../client/background/create-background.ts'
import { toClientSettings } from '../client/options/client-settings.ts'
import * as pipelineCode from '../client/request/pipeline.ts'
import type { ClientOptions } from '../client/types/client-options.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { EdgeEngine, EdgeEvents } from '../edge/edge-types.ts'
import type { Traffic } from '../models/transfer/traffic-meter.ts'
import type { NetworkChange } from '../network/network-watcher.ts'
import { fakeManifest } from './fake-manifest.ts'
import { onlineWatcher, stubEdge } from './fake-request-context.ts'

const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) }, { name: 'model' })
/** Inputs of the model, and what it answers. */
export const x = { type: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } as const
const outputs: TensorMap = { y: { type: 'float32', dims: [1, 2], data: Float32Array.of(3, 4) } }

/** A client on fakes, and what becomes of them. Its `fetch` is a global stub: `vi.unstubAllGlobals()` ends it. */
export function setUp(options: ClientOptions = {}, edgeChanges: Partial<EdgeEngine> = {}) {
  const sent: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    sent.push(url)
    return new Response('{}', { status: url.includes('capacity') ? 404 : 200 })
  })
  const records = new Map<string, unknown>()
  const background = {
    manifest: vi.fn(async () => manifest),
    models: async () => ['model'],
    modelFor: async () => 'model',
    note: async () => ({}),
    storedState: async () => ({ status: 'stored', totalBytes: 1 }),
    isOutdated: vi.fn(async () => false),
    readRecord: vi.fn(async (key: string) => records.get(key)),
    writeRecord: vi.fn(async (key: string, value: unknown) => void records.set(key, value)),
    withdraw: async () => {},
    sources: async () => [{ origin: 'https://site.example', bytes: 1 }],
    terminate: vi.fn(),
  }
  const power = { savePower: false, onBattery: false, start: vi.fn(), stop: vi.fn() }
  const network = { listener: undefined as ((change: NetworkChange) => void) | undefined }
  const stopWatching = vi.fn()
  const edge = stubEdge(outputs, { anticipate: vi.fn(async () => {}), close: vi.fn(), ...edgeChanges })
  const loadPipeline = vi.fn(async () => pipelineCode)
  let events: EdgeEvents = {}
  let tellTraffic = (_: Traffic) => {}
  const client = assembleClient(
    toClientSettings({ catalog: 'https://site.example/models/catalog.json', report: 'none', ...options }),
    {
      background: background as unknown as Background,
      power,
      watcher: {
        ...onlineWatcher,
        onChange(listener) {
          network.listener = listener
          return stopWatching
        },
      },
      createEdge(given) {
        events = given
        return edge
      },
      loadPipeline,
      onTraffic(listener) {
        tellTraffic = listener
      },
    },
  )
  const traffic = (told: Traffic) => tellTraffic(told)
  return {
    client,
    background,
    power,
    network,
    stopWatching,
    edge,
    loadPipeline,
    sent,
    records,
    traffic,
    events: () => events,
  }
}

import { createClientOutbox } from '../client/client-outbox.ts'
import { openWriting } from '../client/generate/open-writing.ts'
import { createRoutesLog } from '../client/routes-log.ts'
import type { Client, ClientEvents, RouteExplanation } from '../client/types/client-types.ts'
import type { WritingPart } from '../client/types/generate-types.ts'
import type { ModelEntry } from '../client/types/models-types.ts'
import type { RunInputs, RunOptions, RunResult } from '../client/types/run-types.ts'
import type { Tasks } from '../client/types/task-types.ts'
import type { DeviceReport, LinkReport } from '../contracts/measurements.ts'
import type { ModelState } from '../contracts/model-state.ts'
import type { RouteRecord } from '../contracts/route.ts'
import { routeReasons } from '../contracts/route-reasons.ts'
import { createNetworkWatcher } from '../network/network-watcher.ts'
import type { PictureSource } from '../tasks/pictures/picture-source.ts'
import { createEmitter } from '../utils/emitter.ts'

export interface FakeClientOptions {
  readonly run?: (inputs: RunInputs, options: RunOptions) => Promise<RunResult>
  readonly prepare?: () => Promise<void>
  readonly explain?: () => Promise<RouteExplanation>
  readonly list?: () => Promise<readonly ModelEntry[]>
  readonly device?: DeviceReport
  readonly link?: LinkReport
  /** What `generate` writes. Default: the same words each time, nowhere. */
  readonly parts?: readonly WritingPart[]
}

/** A client that answers as it is told to, with the means to raise its events. */
export interface FakeClient extends Client {
  emit<K extends keyof ClientEvents>(event: K, value: ClientEvents[K]): void
  /** The options of each run so far. */
  readonly runs: readonly RunOptions[]
  readonly prepared: number
  readonly closed: boolean
}

export const fakeRoute = (over: Partial<RouteRecord> = {}): RouteRecord => ({
  id: 'route-1',
  model: 'digits',
  revision: 'r1',
  startedAtMs: 0,
  ran: 'edge',
  backend: 'wasm',
  reason: 'edge-faster',
  why: routeReasons['edge-faster'],
  predicted: { edge: { meanMs: 5, p90Ms: 8 }, cloud: { meanMs: 60, p90Ms: 95 } },
  actualMs: 6,
  parts: { prepareMs: 2, computeMs: 3 },
  attempts: [{ arm: 'edge', ms: 6 }],
  ...over,
})

/** A result that is sure of one digit. */
export function fakeResult(digit: number, route: RouteRecord = fakeRoute()): RunResult {
  const classes = Array.from({ length: 10 }, (_, i) => ({ label: String(i), probability: i === digit ? 0.91 : 0.01 }))
  classes.sort((a, b) => b.probability - a.probability)
  return { outputs: {}, answer: { label: String(digit), probability: 0.91, classes }, route }
}

export const fakeModel = (state: ModelState = { status: 'absent' }): ModelEntry => ({
  name: 'digits',
  revision: 'r1',
  title: 'Handwritten digits',
  description: 'Reads one handwritten digit.',
  task: 'image-classification',
  license: { name: 'MIT', url: 'https://opensource.org/license/mit', mustAccept: false, accepted: false },
  pinned: false,
  added: false,
  totalBytes: 381_200,
  state,
})

/** An empty .zip, or nothing into the folder. */
const exportNothing = (async (_: string, options: { to?: unknown } = {}) =>
  options.to === undefined ? new Blob() : undefined) as Client['models']['export']

export function createFakeClient(options: FakeClientOptions = {}): FakeClient {
  const events = createEmitter<ClientEvents>()
  const runs: RunOptions[] = []
  let prepared = 0
  let closed = false
  const outbox = createClientOutbox({
    mode: 'none',
    baseUrl: undefined,
    watcher: createNetworkWatcher(),
    adapter: () => undefined,
    onState: () => {},
  })
  const run = async (_: string, inputs: RunInputs, runOptions: RunOptions = {}) => {
    runs.push(runOptions)
    const result = await (options.run?.(inputs, runOptions) ?? Promise.resolve(fakeResult(7)))
    events.emit('route', result.route)
    return result
  }
  /** Pictures and text are answered as `run` is told to. */
  const taskOf = (model: string) => ({
    async run(image: PictureSource, runOptions: RunOptions) {
      const { answer, route } = await run(model, { image }, runOptions)
      return { answer, route }
    },
  })
  const { parts = [{ type: 'text', text: 'Once upon a time', tokens: 4 }] } = options
  const generate: Client['generate'] = () =>
    openWriting(async ({ add }) => {
      let [text, answerTokens] = ['', 0]
      for (const part of parts) {
        add(part)
        if (part.type !== 'text') continue
        text += part.text
        answerTokens += part.tokens
      }
      const usage = { promptTokens: 1, cachedTokens: 0, answerTokens, droppedMessages: 0 }
      return { text, finishReason: 'stop', usage }
    })
  return {
    generate,
    outbox: outbox.api,
    notices: () => [],
    run,
    measure: async () => {},
    task: (name, { model = name } = {}) => taskOf(model) as unknown as Tasks[typeof name],
    async prepare() {
      prepared += 1
      await options.prepare?.()
    },
    refresh: async () => {},
    openSession: () => Promise.reject(new TypeError('the fake client has no sessions')),
    explain: async () =>
      options.explain?.() ?? { arm: 'edge', reason: 'edge-faster', why: routeReasons['edge-faster'], predicted: {} },
    models: {
      list: async () => options.list?.() ?? [fakeModel()],
      state: async () => ({ status: 'absent' }),
      remove: async (model) => events.emit('state', { model, state: { status: 'absent' } }),
      size: async () => ({ storedBytes: 0, totalBytes: fakeModel().totalBytes }),
      download: async (model) => {
        const { totalBytes } = fakeModel()
        events.emit('state', { model, state: { status: 'stored', totalBytes } })
      },
      pause: async (model) => {
        const { totalBytes } = fakeModel()
        events.emit('state', { model, state: { status: 'paused', loadedBytes: 0, totalBytes } })
      },
      resume: async () => {},
      pin: async () => {},
      unpin: async () => {},
      verify: async () => ({ checkedBytes: 0, damagedChunks: 0, repairedChunks: 0, ok: true }),
      usage: async () => ({ persistent: true, models: [], partialBytes: 0, totalBytes: 0 }),
      protect: async () => true,
      acceptLicense: async () => {},
      export: exportNothing,
      import: async () => [fakeModel()],
      add: async () => fakeModel(),
      update: async () => fakeModel().revision,
    },
    device: () =>
      options.device ?? { crossOriginIsolated: true, hardwareConcurrency: 4, backends: [], runtimeFiles: [] },
    link: () => options.link ?? { online: true, saveData: false, samples: 0 },
    routes: createRoutesLog(),
    on: events.on,
    emit: events.emit,
    async close() {
      closed = true
    },
    get runs() {
      return runs
    },
    get prepared() {
      return prepared
    },
    get closed() {
      return closed
    },
  }
}

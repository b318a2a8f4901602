import * as v from 'valibot'
import type { AdapterFacts, BackendMeasurement } from '../contracts/measurements.ts'
import { object } from '../contracts/object-schemas.ts'
import { type BackendSetup, measurementOf, setupId } from '../device/backend-setups.ts'
import { predictRunMs } from '../device/predict-run-ms.ts'
import type { SetupTime } from '../device/rank-setups.ts'

/** Where what was measured is kept from one visit to the next. */
export interface DeviceMemory {
  read(): Promise<unknown>
  write(value: unknown): Promise<void>
}

/** Models whose times are remembered: the newest ones. */
const mostModels = 100

const backendSchema = v.picklist(['webgpu', 'wasm', 'webnn'])

const measurementSchema = object({
  backend: backendSchema,
  status: v.picklist(['measured', 'absent', 'failed']),
  threads: v.optional(v.number()),
  macsPerSecond: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  overheadMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  tookMs: v.optional(v.number()),
  cutShort: v.optional(v.boolean()),
  software: v.optional(v.boolean()),
  detail: v.optional(v.string()),
})

const adapterSchema = object({
  name: v.string(),
  software: v.boolean(),
  shaderF16: v.boolean(),
  maxBufferBytes: v.pipe(v.number(), v.minValue(0)),
})

/** An answer, as far as it is compared with others: dimensions and some values of each output, by its name. */
const answerSampleSchema = v.record(
  v.string(),
  object({ dims: v.array(v.number()), values: v.array(v.union([v.number(), v.string()])) }),
)
export type AnswerSample = v.InferOutput<typeof answerSampleSchema>

/** What a model answered on WASM to made-up inputs with free dimensions of this size. */
const referenceSchema = object({
  freeSize: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  answer: answerSampleSchema,
})
export type ModelReference = v.InferOutput<typeof referenceSchema>

const recordSchema = object({
  version: v.literal(1),
  /** The browser version, processors and threads that it was measured with. */
  device: v.string(),
  adapter: v.optional(adapterSchema),
  measurements: v.array(measurementSchema),
  /** Milliseconds of a warm-up run, by model and setup. */
  warmups: v.array(v.tuple([v.string(), v.record(v.string(), v.pipe(v.number(), v.finite(), v.minValue(0)))])),
  /** What models without a canary answered on WASM. */
  references: v.optional(v.array(v.tuple([v.string(), referenceSchema]))),
  /** Backends that answered otherwise than WASM, by model. */
  distrusted: v.optional(v.array(v.tuple([v.string(), v.array(backendSchema)]))),
  /** Backends that gave a wrong answer. */
  wrong: v.array(backendSchema),
})

/** What is known of this device's backends: measured, remembered from an earlier visit, or found out by running. */
export interface DeviceKnowledge {
  readonly measurements: readonly BackendMeasurement[]
  /** The WebGPU adapter; undefined where there is none, or before it was asked for. */
  adapter: AdapterFacts | undefined
  /** Takes over what an earlier visit found, if it was the same device. Resolves to whether it was. Never rejects. */
  restore(device: string): Promise<boolean>
  addMeasurement(measurement: BackendMeasurement): void
  learnWarmup(model: string, setup: BackendSetup, ms: number): void
  /** Nothing runs on this backend any more: it gave a wrong answer, or was lost again and again. */
  quarantine(backend: BackendSetup['backend'], reason: 'wrong' | 'lost'): void
  isQuarantined(backend: BackendSetup['backend']): boolean
  /** What the model answers on WASM, as far as that was found out here or at an earlier visit. */
  reference(model: string): ModelReference | undefined
  learnReference(model: string, reference: ModelReference): void
  /** The model does not run on this backend any more: it answered otherwise than on WASM. */
  distrust(model: string, backend: BackendSetup['backend']): void
  /** As `distrust`, until the client is closed. */
  avoid(model: string, backend: BackendSetup['backend']): void
  isDistrusted(model: string, backend: BackendSetup['backend']): boolean
  /** What the model took on this setup at an earlier visit. */
  rememberedMs(model: string, setup: BackendSetup): number | undefined
  /** The setup that the model which ran last ran fastest on, here or at an earlier visit. */
  usual(setups: readonly BackendSetup[]): BackendSetup | undefined
  /** What a run of a model takes on a setup: its own warm-up if there was one, else predicted from its complexity. */
  timeOf(setup: BackendSetup, model: string, macs: number): SetupTime
}

export function createDeviceKnowledge(memory: DeviceMemory | undefined): DeviceKnowledge {
  let device = ''
  let adapter: AdapterFacts | undefined
  let measurements: BackendMeasurement[] = []
  const warmups = new Map<string, Record<string, number>>()
  let restored: ReadonlyMap<string, Record<string, number>> = new Map()
  const wrong = new Set<BackendSetup['backend']>()
  const lost = new Set<BackendSetup['backend']>()
  const avoided = new Set<string>()
  const references = new Map<string, ModelReference>()
  const distrusted = new Map<string, readonly BackendSetup['backend'][]>()

  const isDistrusted = (model: string, backend: BackendSetup['backend']) =>
    avoided.has(`${backend} ${model}`) || (distrusted.get(model)?.includes(backend) ?? false)

  const save = () => {
    const record = {
      version: 1,
      device,
      adapter,
      measurements,
      warmups: [...warmups].slice(-mostModels),
      references: [...references].slice(-mostModels),
      distrusted: [...distrusted].slice(-mostModels),
      wrong: [...wrong],
    }
    memory?.write(record).catch(() => {}) // measured again at the next visit
  }

  return {
    get measurements() {
      return measurements
    },
    get adapter() {
      return adapter
    },
    set adapter(found) {
      adapter = found
      save()
    },
    async restore(now) {
      device = now
      const parsed = v.safeParse(recordSchema, await memory?.read().catch(() => undefined))
      if (!parsed.success || parsed.output.device !== now) return false
      adapter = parsed.output.adapter
      measurements = parsed.output.measurements.filter(({ status }) => status !== 'failed') as BackendMeasurement[]
      for (const [model, times] of parsed.output.warmups) warmups.set(model, times)
      restored = new Map(warmups)
      for (const [model, reference] of parsed.output.references ?? []) references.set(model, reference)
      for (const [model, backends] of parsed.output.distrusted ?? []) distrusted.set(model, backends)
      for (const backend of parsed.output.wrong) wrong.add(backend)
      return true
    },
    addMeasurement(measurement) {
      const { backend, threads } = measurement
      measurements = [
        ...measurements.filter((known) => known.backend !== backend || known.threads !== threads),
        measurement,
      ]
      save()
    },
    learnWarmup(model, setup, ms) {
      const times = warmups.get(model)
      warmups.delete(model)
      warmups.set(model, { ...times, [setupId(setup)]: ms })
      save()
    },
    quarantine(backend, reason) {
      if (reason === 'lost') lost.add(backend)
      else wrong.add(backend)
      save()
    },
    reference: (model) => references.get(model),
    learnReference(model, reference) {
      references.delete(model)
      references.set(model, reference)
      save()
    },
    distrust(model, backend) {
      distrusted.set(model, [...new Set([...(distrusted.get(model) ?? []), backend])])
      save()
    },
    avoid: (model, backend) => void avoided.add(`${backend} ${model}`),
    isDistrusted,
    rememberedMs: (model, setup) => restored.get(model)?.[setupId(setup)],
    usual(setups) {
      const [model = '', times = {}] = [...warmups].at(-1) ?? []
      const msOf = (setup: BackendSetup) => times[setupId(setup)] ?? Number.POSITIVE_INFINITY
      const [fastest] = setups
        .filter((setup) => setupId(setup) in times && !isDistrusted(model, setup.backend))
        .sort((a, b) => msOf(a) - msOf(b))
      return fastest !== undefined && !wrong.has(fastest.backend) && !lost.has(fastest.backend) ? fastest : undefined
    },
    isQuarantined: (backend) => wrong.has(backend) || lost.has(backend),
    timeOf(setup, model, macs) {
      const own = warmups.get(model)?.[setupId(setup)]
      if (own !== undefined) return { setup, ms: own, known: true }
      const measurement = measurementOf(measurements, setup)
      return { setup, ms: measurement && predictRunMs(measurement, macs), known: false }
    },
  }
}

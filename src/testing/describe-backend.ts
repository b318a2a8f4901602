import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEdgeSession } from '../edge/edge-session.ts'
import type { EdgeEngine } from '../edge/edge-types.ts'
import { toSessionPlan } from '../edge/session-plan.ts'
import { type BackendModel, brokenModel, floats, scalingModel, summingModel } from './backend-models.ts'

/** What implementations may do either way. */
export interface BackendTraits {
  /** Opens a new engine; models of the suite are `known` to it in advance, for an engine that computes by functions. */
  open(known: (name: string) => BackendModel | undefined): EdgeEngine | Promise<EdgeEngine>
  /** It knows at once how many calls wait, not only from the last word of another tab. Default true. */
  readonly countsWaiting?: boolean
  /** A run of a model that was unloaded loads it again, as an engine in another tab does. Default false. */
  readonly loadsForRun?: boolean
  /** Inputs handed over are emptied. Between tabs they are copied. Default true. */
  readonly handsOver?: boolean
}

const patient = { timeoutMs: 30_000 }

/** A promise that is read later; until then its rejection counts as handled. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** The conformance suite of `EdgeEngine`: every implementation runs it. */
export function describeBackend(name: string, traits: BackendTraits): void {
  const { countsWaiting = true, loadsForRun = false, handsOver = true } = traits
  const models = new Map<string, BackendModel>()
  const make = async (making: Promise<BackendModel>) => {
    const model = await making
    models.set(model.manifest.name, model)
    return model
  }
  const open = async () => traits.open((model) => models.get(model))
  const filesOf = (model: BackendModel) => async () => ({ graph: model.graph.slice() })
  const load = (engine: EdgeEngine, model: BackendModel) => engine.load(model.manifest, filesOf(model))
  const run = async (engine: EdgeEngine, model: BackendModel, x: number, signal?: AbortSignal) => {
    const { outputs } = await engine.run(model.manifest, { x: floats(x) }, { ...patient, signal })
    return Array.from(outputs.y?.data as Float32Array)
  }
  const sum = (engine: EdgeEngine, model: BackendModel) => {
    const plan = toSessionPlan({ steps: [model], outputs: ['total'] })
    const session = openEdgeSession(engine, plan, filesOf(model))
    const add = async (x: number, signal?: AbortSignal) =>
      Number((await session.run({ x: floats(x) }, { ...patient, signal })).outputs.total?.data[0])
    return { session, add }
  }

  describe(`${name}, as any edge engine,`, () => {
    let engine: EdgeEngine
    beforeAll(async () => {
      engine = await open()
    })
    afterAll(() => engine?.close())

    test('loads a model once, and says where it is', async () => {
      const model = await make(scalingModel('loaded-once', 2))
      await engine.ready(model.manifest)
      await engine.check(model.manifest)
      expect(engine.loaded(model.manifest)).toBeUndefined()
      let reads = 0
      const read = async () => {
        reads += 1
        return filesOf(model)()
      }
      const [loaded, same] = await Promise.all([engine.load(model.manifest, read), engine.load(model.manifest, read)])
      expect(await engine.load(model.manifest, read)).toEqual(loaded)
      expect(same).toEqual(loaded)
      expect(reads).toBe(1)
      expect(loaded.warmupMs).toBeGreaterThanOrEqual(0)
      expect(engine.loaded(model.manifest)).toEqual(loaded)
      expect(engine.forecast(model.manifest)).toEqual({ backend: loaded.backend, ms: loaded.warmupMs })
      expect(engine.report()).toMatchObject({ chosen: loaded.backend, threads: loaded.threads })
    })

    test('runs a model, and says where and how long', async () => {
      const model = await make(scalingModel('run', 2))
      const { backend } = await load(engine, model)
      const answer = await engine.run(model.manifest, { x: floats(1, 2, 3) }, patient)
      expect(answer.outputs).toEqual({ y: floats(2, 4, 6) })
      expect(answer.backend).toBe(backend)
      expect(answer.queueMs).toBeGreaterThanOrEqual(0)
      expect(answer.computeMs).toBeGreaterThanOrEqual(0)
      expect(answer.totalMs).toBeGreaterThanOrEqual(answer.computeMs)
    })

    test('gives each of many runs of two models its own answer', async () => {
      const [two, three] = [await make(scalingModel('two', 2)), await make(scalingModel('three', 3))]
      await Promise.all([load(engine, two), load(engine, three)])
      const runs = Array.from({ length: 20 }, (_, x) => run(engine, x % 2 ? two : three, x))
      expect(await Promise.all(runs)).toEqual(runs.map((_, x) => [x % 2 ? 2 * x : 3 * x]))
    })

    test('rejects a run with the reason of an abort, before it and during it, and answers the next one', async () => {
      const model = await make(scalingModel('aborted', 2))
      await load(engine, model)
      await expect(run(engine, model, 1, AbortSignal.abort('before'))).rejects.toBe('before')
      const controller = new AbortController()
      const first = run(engine, model, 1)
      const aborted = later(run(engine, model, 2, controller.signal))
      await Promise.resolve()
      controller.abort('during')
      await expect(aborted).rejects.toBe('during')
      expect(await first).toEqual([2])
      expect(await run(engine, model, 3)).toEqual([6])
    })

    test('lets errors keep their names and codes', async () => {
      const broken = await make(brokenModel('broken'))
      await expect(load(engine, broken)).rejects.toMatchObject({ name: 'ModelError', code: 'model-load-failed' })
      const literal = (name: string, data: number[]) => ({ ...floats(0), name, shape: [data.length], data })
      const canary = { inputs: [literal('x', [1])], outputs: [literal('y', [5])] }
      const wrong = await make(scalingModel('wrong-canary', 2, { canary }))
      await expect(load(engine, wrong)).rejects.toMatchObject({ name: 'ModelError', code: 'model-wrong-answer' })
      expect(engine.loaded(wrong.manifest)).toBeUndefined()
      const huge = await make(scalingModel('huge', 2, { requires: { memoryBytes: 2 ** 50 } }))
      await expect(engine.check(huge.manifest)).rejects.toMatchObject({
        name: 'CapabilityError',
        code: 'model-unsupported',
      })
      const model = await make(scalingModel('wrong-input', 2))
      await load(engine, model)
      const integers = { type: 'int32', dims: [1], data: Int32Array.of(1) } as const
      await expect(engine.run(model.manifest, { x: integers }, patient)).rejects.toMatchObject({
        name: 'EdgeError',
        code: 'edge-run-failed',
      })
      expect(await run(engine, model, 4)).toEqual([8])
    })

    test('finishes a run during which its model is unloaded, and unloads what is not loaded', async () => {
      const model = await make(scalingModel('unloaded-during', 2))
      await load(engine, model)
      const running = run(engine, model, 21)
      const unloading = engine.unload(model.manifest)
      expect(await running).toEqual([42])
      await unloading
      await expect.poll(() => engine.loaded(model.manifest)).toBeUndefined()
      await engine.unload(model.manifest)
    })

    test(`${loadsForRun ? 'loads a model again' : 'refuses'} when it is run after it was unloaded`, async () => {
      const model = await make(scalingModel('unloaded-before', 2))
      await load(engine, model)
      await engine.unload(model.manifest)
      if (loadsForRun) expect(await run(engine, model, 5)).toEqual([10])
      else {
        await expect(run(engine, model, 5)).rejects.toMatchObject({ name: 'ModelError', code: 'model-load-failed' })
      }
      await load(engine, model)
      expect(await run(engine, model, 6)).toEqual([12])
    })

    test('counts what waits, and nothing once all is answered', async () => {
      const model = await make(scalingModel('counted', 2))
      expect([engine.waiting(model.manifest), engine.busyForMs(model.manifest)]).toEqual([0, 0])
      await load(engine, model)
      const runs = [1, 2, 3].map((x) => run(engine, model, x))
      // A call may be passed on a few turns later; no answer can arrive within them.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
      if (countsWaiting) expect(engine.waiting(model.manifest)).toBe(3)
      await Promise.all(runs)
      await expect.poll(() => engine.waiting(model.manifest)).toBe(0)
      expect(engine.busyForMs(model.manifest)).toBe(0)
    })

    test(`leaves inputs as they are${handsOver ? ', unless they are handed over' : ''}`, async () => {
      const model = await make(scalingModel('handed-over', 2))
      await load(engine, model)
      const [kept, given] = [floats(1, 2), floats(3, 4)]
      await engine.run(model.manifest, { x: kept }, patient)
      expect(kept.data).toEqual(Float32Array.of(1, 2))
      const { outputs } = await engine.run(model.manifest, { x: given }, { ...patient, transfer: true })
      expect(outputs).toEqual({ y: floats(6, 8) })
      expect(given.data).toHaveLength(handsOver ? 0 : 2)
    })

    test('keeps the state of each session apart', async () => {
      const model = await make(summingModel('summing'))
      const [one, other] = [sum(engine, model), sum(engine, model)]
      expect([await one.add(1), await other.add(10), await one.add(2), await other.add(20)]).toEqual([1, 10, 3, 30])
      one.session.reset()
      expect(await one.add(5)).toBe(5)
      const controller = new AbortController()
      const aborted = later(other.add(100, controller.signal))
      await Promise.resolve()
      controller.abort('enough')
      await expect(aborted).rejects.toBe('enough')
      expect(await other.add(1)).toBe(31)
      await one.session.close()
      await expect(one.add(1)).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-session-lost' })
      await other.session.close()
    })
  })

  describe(`${name}, once it is closed,`, () => {
    test('has settled all that was pending, and does nothing more', async () => {
      const engine = await open()
      const model = await make(scalingModel('closed', 2))
      const [unread, stateful] = [await make(scalingModel('unread', 2)), await make(summingModel('closed-session'))]
      await load(engine, model)
      let askedForFiles: () => void = () => {}
      const asked = new Promise<void>((resolve) => {
        askedForFiles = resolve
      })
      const loading = later(
        engine.load(unread.manifest, () => {
          askedForFiles()
          return new Promise(() => {})
        }),
      )
      await asked
      const { add, session } = sum(engine, stateful)
      await add(1)
      const pending = [loading, later(run(engine, model, 1)), later(add(2))]
      engine.close()
      engine.close()
      for (const promise of pending) await expect(promise).rejects.toThrow()
      await expect(run(engine, model, 1)).rejects.toThrow()
      await expect(load(engine, model)).rejects.toThrow()
      await engine.ready(model.manifest)
      await engine.anticipate(model.manifest)
      await session.close()
    })
  })
}

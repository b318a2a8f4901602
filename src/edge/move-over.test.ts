import { expect, test } from 'vitest'
import { type BackendSetup, setupId } from '../device/backend-setups.ts'
import type { ModelSlot } from './model-slots.ts'
import { moveOver } from './move-over.ts'

const four: BackendSetup = { backend: 'wasm', threads: 4 }
const one: BackendSetup = { backend: 'wasm', threads: 1 }
const gpu: BackendSetup = { backend: 'webgpu', threads: 4 }

/** An engine with one model, on a device where each setup was predicted to take a time, and really takes another. */
function openEngine(options: {
  readonly on: BackendSetup
  readonly predicted: readonly [BackendSetup, number][]
  readonly real: readonly [BackendSetup, number][]
  readonly pins?: number
  readonly compare?: (now: ModelSlot, other: ModelSlot) => Promise<'same' | 'different' | 'unknown'>
}) {
  const { on, predicted, real, pins = 0, compare } = options
  const msOf = (setup: BackendSetup) => real.find(([of]) => setupId(of) === setupId(setup))?.[1]
  const slot = (setup: BackendSetup) =>
    ({ setup, loaded: { warmupMs: msOf(setup) ?? 0 }, pins }) as unknown as ModelSlot
  const known = new Map<string, number>()
  let serving = slot(on)
  const said: string[] = []
  const say = (what: string) => (of: ModelSlot) => void said.push(`${what} ${setupId(of.setup)}`)
  const done = moveOver({
    serving: () => serving,
    times: () =>
      predicted.map(([setup, ms]) => ({
        setup,
        ms: known.get(setupId(setup)) ?? ms,
        known: known.has(setupId(setup)),
      })),
    async tryOn(setup) {
      const ms = msOf(setup)
      if (ms === undefined) throw new Error('it does not load there')
      known.set(setupId(setup), ms)
      say('try')(slot(setup))
      return slot(setup)
    },
    moveTo(to) {
      say('move to')(to)
      serving = to
    },
    unload: async (of) => say('unload')(of),
    ...(compare === undefined ? {} : { compare }),
    signal: new AbortController().signal,
  })
  return { done, said, serving: () => setupId(serving.setup) }
}

test('a model slower than another backend is predicted to be is tried there and moves, answering from its old place until then', async () => {
  const engine = openEngine({
    on: four,
    predicted: [
      [four, 20],
      [gpu, 5],
    ],
    real: [
      [four, 60],
      [gpu, 6],
    ],
  })
  await engine.done
  expect(engine.said).toEqual(['try webgpu', 'move to webgpu', 'unload wasm/4'])
  expect(engine.serving()).toBe('webgpu')
})

test('a prediction that was too good moves nothing, and is not tried twice', async () => {
  const engine = openEngine({
    on: four,
    predicted: [
      [four, 20],
      [gpu, 5],
      [one, 22],
    ],
    real: [
      [four, 20],
      [gpu, 1_905],
      [one, 40],
    ],
  })
  await engine.done
  expect(engine.said).toEqual(['try webgpu', 'unload webgpu', 'try wasm/1', 'unload wasm/1'])
  expect(engine.serving()).toBe('wasm/4')
})

test('where it does not load it stays, and tries the next one', async () => {
  const engine = openEngine({
    on: four,
    predicted: [
      [gpu, 5],
      [one, 15],
    ],
    real: [
      [four, 20],
      [one, 10],
    ],
  })
  await engine.done
  expect(engine.said).toEqual(['try wasm/1', 'move to wasm/1', 'unload wasm/4'])
})

test('a model that a session holds stays where its state is', async () => {
  const engine = openEngine({
    on: four,
    predicted: [[gpu, 5]],
    real: [
      [four, 60],
      [gpu, 6],
    ],
    pins: 1,
  })
  await engine.done
  expect(engine.said).toEqual(['try webgpu', 'unload webgpu'])
})

test.each([
  ['the same', four, gpu, 'same', 'webgpu'],
  ['another', four, gpu, 'different', 'wasm/4'],
  ['none that can be compared', four, gpu, 'unknown', 'wasm/4'],
  ['another than WASM, which is right', gpu, four, 'different', 'wasm/4'],
] as const)('before a move both places are asked the same: a faster one that answers %s', async (...given) => {
  const [, on, other, agree, expected] = given
  const asked: string[] = []
  const engine = openEngine({
    on,
    predicted: [[other, 5]],
    real: [
      [on, 20],
      [other, 10],
    ],
    compare: async (now, next) => {
      asked.push(`${setupId(now.setup)} and ${setupId(next.setup)}`)
      return agree
    },
  })
  await engine.done
  expect(asked).toEqual([`${setupId(on)} and ${setupId(other)}`])
  expect(engine.serving()).toBe(expected)
})

test('a comparison that fails moves nothing', async () => {
  const compare = () => Promise.reject(new Error('the worker died'))
  const real: [BackendSetup, number][] = [
    [four, 20],
    [gpu, 1],
  ]
  const engine = openEngine({ on: four, predicted: [[gpu, 5]], real, compare })
  await engine.done
  expect(engine.said).toEqual(['try webgpu', 'unload webgpu'])
})

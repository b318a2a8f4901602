import { expect, test } from 'vitest'
import { zeroInputs } from './canary.ts'
import { warmUp } from './warm-up.ts'

const inputs = (shape: number[]) => [{ name: 'x', type: 'float32' as const, shape }]
const literal = (name: string, value: number) => ({ name, type: 'float32' as const, shape: [1], data: [value] })
const answer = { outputs: { y: { type: 'float32' as const, dims: [1], data: Float32Array.of(2) } } }
const canary = { inputs: [literal('x', 1)], outputs: [literal('y', 2)] }

/** Counts the runs of a session. */
function session(run: () => Promise<typeof answer> = async () => answer) {
  const counted = { runs: 0 }
  return {
    counted,
    run() {
      counted.runs += 1
      return run()
    },
  }
}

test('a model is run once to compile, then timed', async () => {
  const { run, counted } = session()
  expect(await warmUp(run, { backend: 'wasm', tolerance: 0 }, {})).toBeGreaterThanOrEqual(0)
  expect(counted.runs).toBe(4)
})

test('one whose time is known runs its canary only, or nothing where it has none', async () => {
  const first = session()
  expect(await warmUp(first.run, { backend: 'wasm', tolerance: 0, knownMs: 7, canary }, {})).toBe(7)
  expect(first.counted.runs).toBe(1)
  const second = session()
  expect(await warmUp(second.run, { backend: 'wasm', tolerance: 0, knownMs: 7 }, {})).toBe(7)
  expect(second.counted.runs).toBe(0)
})

test('30: a wrong canary refuses the model, also where its time is known', async () => {
  const wrong = { ...canary, outputs: [literal('y', 3)] }
  for (const knownMs of [7, undefined]) {
    await expect(
      warmUp(session().run, { backend: 'wasm', tolerance: 0, knownMs, canary: wrong }, {}),
    ).rejects.toMatchObject({ code: 'model-wrong-answer' })
  }
})

test.each([[-1], [1]])('zeros that a model does not take say nothing of it on WASM, in a shape of %i', async (size) => {
  const refuse = () => Promise.reject(new Error('the step is 0'))
  const load = (backend: 'wasm' | 'webgpu', warmsUp?: boolean) =>
    warmUp(session(refuse).run, { backend, tolerance: 0, warmsUp }, zeroInputs(inputs([size])))
  expect(await load('wasm')).toBeUndefined()
  await expect(load('webgpu')).rejects.toThrow('the step is 0')
  expect(await load('webgpu', false)).toBeUndefined()
})

test('a canary that fails is a reason to refuse the model', async () => {
  const refuse = () => Promise.reject(new Error('the step is 0'))
  const load = warmUp(session(refuse).run, { backend: 'wasm', tolerance: 0, canary, warmsUp: false }, {})
  await expect(load).rejects.toThrow('the step is 0')
})

test('a trap is a crash, whatever was run', async () => {
  const trap = () => Promise.reject(new WebAssembly.RuntimeError('unreachable'))
  await expect(warmUp(session(trap).run, { backend: 'wasm', tolerance: 0 }, {})).rejects.toThrow('unreachable')
})

import { expect, test } from 'vitest'
import type { Manifest } from '../contracts/manifest.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { toSessionPlan } from './session-plan.ts'

const value = (name: string, shape: number[] = [1, 2]) => ({ name, type: 'float32' as const, shape })
const model = (inputs: string[], outputs: string[], changes: Partial<Manifest> = {}) =>
  fakeManifest(
    { 'model.onnx': new Uint8Array([1]) },
    { inputs: inputs.map((name) => value(name)), outputs: outputs.map((name) => value(name)), ...changes },
  )
const voice = await model(['input', 'state'], ['output', 'stateN'], {
  state: [{ input: 'state', output: 'stateN', shape: [1, 2] }],
})
const encoder = await model(['picture'], ['features'])
const decoder = await model(['features', 'token'], ['logits'])

test('a stateful model: its manifest says what is kept', () => {
  const plan = toSessionPlan({ steps: [{ manifest: voice }] })
  expect(plan.inputs).toEqual(['input'])
  expect(plan.outputs).toEqual(['output'])
  expect(plan.state).toEqual([{ from: 'stateN', to: 'state', type: 'float32', shape: [1, 2] }])
})

test('two models as one: what the first makes, the second takes', () => {
  const plan = toSessionPlan({ steps: [{ manifest: encoder }, { manifest: decoder }] })
  expect(plan.inputs).toEqual(['picture', 'token'])
  expect(plan.outputs).toEqual(['logits'])
})

test('names can be changed, and what is answered can be chosen', () => {
  const plan = toSessionPlan({
    steps: [
      { manifest: encoder, outputs: { features: 'seen' } },
      { manifest: decoder, inputs: { features: 'seen' }, outputs: { logits: 'next' } },
    ],
    state: [{ from: 'next', to: 'token', shape: [1, 2] }],
    outputs: ['seen', 'next'],
  })
  expect(plan.inputs).toEqual(['picture'])
  expect(plan.outputs).toEqual(['seen', 'next'])
})

test.each([
  ['no steps', { steps: [] }, 'it has no steps'],
  ['an input that the model lacks', { steps: [{ manifest: encoder, inputs: { x: 'y' } }] }, 'no input "x"'],
  ['an output that the model lacks', { steps: [{ manifest: encoder, outputs: { x: 'y' } }] }, 'no output "x"'],
  ['two sources of a value', { steps: [{ manifest: encoder }, { manifest: encoder }] }, 'two models make "features"'],
  ['a value before it is made', { steps: [{ manifest: decoder }, { manifest: encoder }] }, 'taken before it is made'],
  [
    'a state from nowhere',
    { steps: [{ manifest: encoder }], state: [{ from: 'x', to: 'y', shape: [] }] },
    'the state "x"',
  ],
  ['an unknown answer', { steps: [{ manifest: encoder }], outputs: ['x'] }, 'the output "x"'],
])('%s is refused with the name', (_, description, part) => {
  expect(() => toSessionPlan(description)).toThrow(part)
})

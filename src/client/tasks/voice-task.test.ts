import { expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import type { RouteRecord } from '../../contracts/route.ts'
import { tensorTypes } from '../../contracts/tensor.ts'
import { numericData } from '../../protocol/tensors/tensor-numbers.ts'
import { plainManifest } from '../../testing/fake-manifest.ts'
import type { ModelRun } from '../request/model-run.ts'
import { resultTensors } from '../request/tensors/tensor-maps.ts'
import type { TaskContext } from './task-context.ts'
import { createVoiceTask } from './voice-task.ts'

const file = { path: 'model.onnx', bytes: 1, sha256: '0'.repeat(64) }
const windowSamples = 16

test.each(tensorTypes.filter((type) => type !== 'string'))('a probability of %s is read', async (type) => {
  const manifest: Manifest = plainManifest({
    name: 'voice',
    revision: '1',
    files: [file],
    task: 'voice-activity',
    inputs: [{ name: 'x', type: 'float32', shape: [1, windowSamples] }],
    outputs: [{ name: 'y', type, shape: [1, 1] }],
    preprocessing: { kind: 'sound', rateHz: 16_000, windowSamples },
    decoding: { kind: 'activity', output: 'y', from: 0.5, until: 0.35, minPauseMs: 0, minLengthMs: 0 },
  })
  const answer = { outputs: resultTensors({ y: { type, dims: [1, 1], data: numericData(type, [1]) } }) }
  const route = {} as RouteRecord
  const context: Partial<TaskContext> = {
    runModel: async () => ({ ...answer, route, manifest, answer: undefined }) as unknown as ModelRun,
    background: {
      manifest: async () => manifest,
      openSound: async () => ({ push: async () => new Float32Array(windowSamples) }),
    } as unknown as TaskContext['background'],
    model: async () => manifest.name,
    check: () => {},
    open: async () => {},
  }
  const task = createVoiceTask(context as TaskContext)
  const { probabilities } = (await task.run({ samples: new Float32Array(windowSamples), rateHz: 16_000 })).answer
  expect(probabilities).toEqual(Float32Array.of(1))
})

import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { answerFor } from '../decode/answer-for.ts'
import { prepareInputs } from './prepare-inputs.ts'

const manifest: Manifest = {
  format: 1,
  name: 'digits',
  revision: 'r1',
  title: 'Digits',
  description: '',
  task: 'image-classification',
  license: { name: 'MIT' },
  files: [{ path: 'm.onnx', bytes: 1, sha256: '0'.repeat(64) }],
  graph: 'm.onnx',
  inputs: [{ name: 'image', type: 'uint8', shape: [-1, 1, 28, 28] }],
  outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, 2] }],
  labels: ['a', 'b'],
  preprocessing: { kind: 'ink', size: 28, inkSize: 20 },
  complexity: { macs: 1 },
  tolerance: { absolute: 0 },
}

function drawing(ink: boolean): ImageData {
  const image = new ImageData(64, 64)
  if (ink) for (let y = 10; y < 50; y += 1) image.data[(y * 64 + 30) * 4 + 3] = 255
  return image
}

describe('prepareInputs', () => {
  it('turns a picture into the input that the manifest names', async () => {
    const { inputs, view } = await prepareInputs(manifest, drawing(true))
    const { image } = inputs
    expect(view.size).toEqual({ width: 64, height: 64 })
    expect(image?.dims).toEqual([1, 1, 28, 28])
    expect(Math.max(...Array.from(image?.data ?? [], Number))).toBe(255)
  })

  it('refuses a blank picture, and a model that takes none', async () => {
    await expect(prepareInputs(manifest, drawing(false))).rejects.toMatchObject({ code: 'picture-empty' })
    const { preprocessing: _, ...tensorsOnly } = manifest
    await expect(prepareInputs(tensorsOnly, drawing(true))).rejects.toMatchObject({ code: 'input-unexpected' })
  })
})

describe('answerFor', () => {
  const probabilities = { type: 'float32', dims: [1, 2], data: Float32Array.of(0.25, 0.75) } as const

  it('reads the output that the manifest names', () => {
    expect(answerFor(manifest, { probabilities })).toMatchObject({ label: 'b', probability: 0.75 })
    expect(answerFor({ ...manifest, task: 'tensors' }, { probabilities })).toBeUndefined()
  })

  it('refuses outputs without it', () => {
    expect(() => answerFor(manifest, {})).toThrowError(expect.objectContaining({ code: 'model-wrong-answer' }))
  })
})

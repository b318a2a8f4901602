import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { unpackInputs } from '../../protocol/tensors/unpack-inputs.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createWireFormRuns } from './wire-form-runs.ts'

const manifest = await fakeManifest(
  { 'm.onnx': Uint8Array.of(1) },
  {
    inputs: [{ name: 'x', type: 'float32', shape: [1, 2] }],
    wire: [{ input: 'x', type: 'uint8', mean: [1], scale: [2] }],
  },
)
const inputs: TensorMap = { x: { type: 'uint8', dims: [1, 2], data: Uint8Array.of(1, 2) } }
const unpack = async () => unpackInputs(manifest.wire, inputs)
const refusal = (status: number, code: 'cloud-refused' | 'cloud-failed' = 'cloud-refused') =>
  new CloudError(code, 'no', { context: { status } })

describe('createWireFormRuns', () => {
  it('sends the small form', async () => {
    const sent: TensorMap[] = []
    await createWireFormRuns().run(manifest, inputs, async (given) => sent.push(given), unpack)
    expect(sent).toEqual([inputs])
  })

  it.each([400, 422])('sends floats to an endpoint that refuses bytes with %i, and remembers it', async (status) => {
    const runs = createWireFormRuns()
    const types: (string | undefined)[] = []
    const send = async ({ x }: TensorMap) => {
      types.push(x?.type)
      if (x?.type === 'uint8') throw refusal(status)
      return x?.data
    }
    expect(await runs.run(manifest, inputs, send, unpack)).toEqual(Float32Array.of(0, 2))
    await runs.run(manifest, inputs, send, unpack)
    expect(types).toEqual(['uint8', 'float32', 'float32'])
  })

  it('leaves other failures as they are', async () => {
    for (const error of [refusal(413), refusal(500, 'cloud-failed')]) {
      const send = async () => {
        throw error
      }
      await expect(createWireFormRuns().run(manifest, inputs, send, unpack)).rejects.toBe(error)
    }
  })

  it('does not blame the form when floats are refused, too', async () => {
    const runs = createWireFormRuns()
    const types: (string | undefined)[] = []
    const send = async ({ x }: TensorMap) => {
      types.push(x?.type)
      throw refusal(400)
    }
    await expect(runs.run(manifest, inputs, send, unpack)).rejects.toThrow()
    await expect(runs.run(manifest, inputs, send, unpack)).rejects.toThrow()
    expect(types).toEqual(['uint8', 'float32', 'uint8', 'float32'])
  })
})

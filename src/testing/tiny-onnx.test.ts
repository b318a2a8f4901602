import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { loopOnnx, tinyOnnx } from './tiny-onnx.ts'

describe('tinyOnnx', () => {
  it('writes a graph that onnxruntime runs', async () => {
    const session = await InferenceSession.create(
      tinyOnnx({
        inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
        outputs: [{ name: 'y', type: 'float32', shape: ['batch', 3] }],
        nodes: [
          { op: 'Add', inputs: ['x', 'bias'], outputs: ['sum'] },
          { op: 'LeakyRelu', inputs: ['sum'], outputs: ['y'], attributes: { alpha: { float: 0.5 } } },
        ],
        initializers: [{ name: 'bias', type: 'float32', dims: [3], data: new Float32Array([1, 2, 3]) }],
      }),
    )
    const { y } = await session.run({ x: new Tensor('float32', [0, 0, 0, -3, -3, -3], [2, 3]) })
    expect(y?.data).toEqual(new Float32Array([1, 2, 3, -1, -0.5, 0]))
    expect(y?.dims).toEqual([2, 3])
  })

  it('writes every element type', async () => {
    const types = ['bool', 'uint8', 'int16', 'int64', 'float16', 'float64', 'string'] as const
    for (const type of types) {
      const session = await InferenceSession.create(
        tinyOnnx({
          inputs: [{ name: 'x', type, shape: [2] }],
          outputs: [{ name: 'y', type, shape: [2] }],
          nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
        }),
      )
      expect(session.inputMetadata).toEqual([{ name: 'x', isTensor: true, type, shape: [2] }])
    }
  })

  it('writes a loop with a graph inside', async () => {
    const session = await InferenceSession.create(loopOnnx(2n))
    const { y } = await session.run({ x: new Tensor('float32', [1], [1]) })
    expect((y?.data as Float32Array | undefined)?.[0]).toBeCloseTo(Math.sin(Math.sin(1)), 6)
  })
})

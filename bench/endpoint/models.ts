import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TensorMap, TensorSpec } from '../../src/contracts/tensor.ts'
import { leastDims } from '../../src/models/manifest/shapes.ts'
import { encodeInferRequest } from '../../src/protocol/infer/infer-request.ts'
import { writeModel } from '../../src/testing/write-model.ts'

/** A model of the bench and one request to it. */
export interface BenchModel {
  readonly name: string
  readonly graph: string
  readonly inputs: readonly TensorSpec[]
  readonly tensors: TensorMap
}

export interface Body {
  readonly body: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const float = (name: string, shape: readonly number[]): TensorSpec => ({ name, type: 'float32', shape })

const known = [
  {
    name: 'digits',
    graph: 'packages/hither-models/models/digits/1/digits.onnx',
    inputs: [float('image', [-1, 1, 28, 28])],
    outputs: [],
  },
  {
    name: 'ultraface',
    graph: '../shared/models/ultraface/version-RFB-320.onnx',
    inputs: [float('input', [1, 3, 240, 320])],
    outputs: [float('scores', [1, 4420, 2]), float('boxes', [1, 4420, 4])],
  },
  {
    name: 'squeezenet',
    graph: '../shared/models/onnx-light/light_squeezenet.onnx',
    inputs: [float('data_0', [1, 3, 224, 224])],
    outputs: [float('softmaxout_1', [1, 1000, 1, 1])],
  },
]

/** Puts the models that are here into one folder that an endpoint can serve. */
export async function gatherModels(print: (line: string) => void): Promise<{
  readonly modelsDir: string
  readonly models: readonly BenchModel[]
}> {
  const modelsDir = await mkdtemp(join(tmpdir(), 'hither-bench-'))
  await cp('packages/hither-models/models/digits', join(modelsDir, 'digits'), { recursive: true })
  const manifest = JSON.parse(await readFile('packages/hither-models/models/digits/1/manifest.json', 'utf8')) as {
    readonly graph: string
    readonly inputs: readonly TensorSpec[]
  }
  const models: BenchModel[] = []
  for (const { name, graph: path, inputs: specs, outputs } of known) {
    const graph = name === 'digits' ? `packages/hither-models/models/digits/1/${manifest.graph}` : path
    const inputs = name === 'digits' ? manifest.inputs : specs
    if (!existsSync(graph)) {
      print(`${name} is left out: there is no ${graph}`)
      continue
    }
    if (name !== 'digits') {
      await writeModel(modelsDir, {
        name,
        inputs: inputs.map(mutable),
        outputs: outputs.map(mutable),
        graph: await readFile(graph),
      })
    }
    models.push({ name, graph, inputs, tensors: Object.fromEntries(inputs.map((spec) => [spec.name, picture(spec)])) })
  }
  return { modelsDir, models }
}

const mutable = (spec: TensorSpec) => ({ ...spec, shape: [...(spec.shape ?? [-1])] })

/** Something like a picture: smooth, so that nothing is all zeros. */
function picture({ type, shape }: TensorSpec) {
  const dims = leastDims(shape)
  const length = dims.reduce((product, size) => product * size, 1)
  const bytes = Uint8Array.from({ length }, (_, index) => index % 255)
  return { type, dims, data: type === 'uint8' ? bytes : Float32Array.from(bytes, (byte) => byte / 255) }
}

export function toBody({ tensors }: BenchModel, binary: boolean): Body {
  const { body, headers } = encodeInferRequest({ inputs: tensors, binary })
  return { body: Buffer.from(body), headers }
}

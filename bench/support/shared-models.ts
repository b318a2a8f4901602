import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '../../src/contracts/manifest.ts'
import { writeModel } from '../../src/testing/write-model.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const sharedDir = root('../shared/models')

/** A model as the benches and tests know it: where it lies, and what its manifest has to say. */
export interface SharedModel extends Pick<Manifest, 'name' | 'inputs' | 'outputs' | 'state'> {
  /** Below `../shared/models`, or the repository where `own` is set. */
  readonly path: string
  readonly own?: boolean
  readonly macs: number
}

const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const int = (name: string, shape: number[], type: 'int32' | 'int64' = 'int32') => ({ name, type, shape })
const picture = (name: string, side = 224) => float(name, [1, 3, side, side])
const light = (name: string, input: string, output: string, macs: number, trailing: number[] = []): SharedModel => ({
  name: `light-${name}`,
  path: `onnx-light/light_${name}.onnx`,
  inputs: [picture(input)],
  outputs: [float(output, [1, 1000, ...trailing])],
  macs,
})
const layers = [0, 1, 2, 3, 4]

/** Models that people use, and nets of their kind, with the multiply-accumulates of one run. */
export const sharedModels = {
  digits: {
    name: 'digits',
    path: 'packages/hither-models/models/digits/1/model.onnx',
    own: true,
    inputs: [{ name: 'image', type: 'uint8', shape: [-1, 1, 28, 28] }],
    outputs: [float('probabilities', [-1, 10])],
    macs: 5_984_128,
  },
  ultraface: {
    name: 'ultraface',
    path: 'ultraface/version-RFB-320.onnx',
    inputs: [float('input', [1, 3, 240, 320])],
    outputs: [float('scores', [1, 4420, 2]), float('boxes', [1, 4420, 4])],
    macs: 105e6,
  },
  fastestdet: {
    name: 'fastestdet',
    path: 'fastestdet/FastestDet.onnx',
    inputs: [picture('input.1', 352)],
    outputs: [float('758', [1, 85, 22, 22])],
    macs: 250e6,
  },
  mobilenet: {
    name: 'mobilenet',
    path: 'mobilenetv2/derived_mobilenet_v2_fp32_dequantised.onnx',
    inputs: [float('input', [-1, 3, 224, 224])],
    outputs: [float('output', [-1, 1000])],
    macs: 300e6,
  },
  silero: {
    name: 'silero',
    path: 'silero-vad/silero_vad_16k_op15.onnx',
    inputs: [float('input', [-1, -1]), float('state', [2, -1, 128]), int('sr', [], 'int64')],
    outputs: [float('output', [-1, 1]), float('stateN', [2, -1, 128])],
    state: [{ input: 'state', output: 'stateN', shape: [2, 1, 128] }],
    macs: 1e6,
  },
  gpt2: {
    name: 'gpt2',
    path: 'tiny-random-lm/tiny-random-gpt2-fp32/past.onnx',
    inputs: [
      int('input_ids', [-1, -1]),
      int('position_ids', [-1, -1]),
      int('attention_mask', [-1, -1]),
      ...layers.map((layer) => float(`past_${layer}`, [2, -1, 4, -1, 8])),
    ],
    outputs: [float('logits', [-1, -1, 1000]), ...layers.map((layer) => float(`present_${layer}`, [2, -1, 4, -1, 8]))],
    state: layers.map((layer) => ({ input: `past_${layer}`, output: `present_${layer}`, shape: [2, 1, 4, 0, 8] })),
    macs: 1e5,
  },
  squeezenet: light('squeezenet', 'data_0', 'softmaxout_1', 350e6, [1, 1]),
  shufflenet: light('shufflenet', 'gpu_0/data_0', 'gpu_0/softmax_1', 140e6),
  alexnet: light('bvlc_alexnet', 'data_0', 'prob_1', 720e6),
  inception: light('inception_v1', 'data_0', 'prob_1', 1_500e6),
  inception2: light('inception_v2', 'data_0', 'prob_1', 2_000e6),
  resnet50: light('resnet50', 'gpu_0/data_0', 'gpu_0/softmax_1', 4_100e6),
  densenet: light('densenet121', 'data_0', 'fc6_1', 2_900e6, [1, 1]),
  zfnet: light('zfnet512', 'gpu_0/data_0', 'gpu_0/softmax_1', 1_100e6),
} as const satisfies Record<string, SharedModel>

/** Light nets: real shapes with constant weights, in the order of their cost. */
export const lightNets = [
  'shufflenet',
  'squeezenet',
  'alexnet',
  'zfnet',
  'inception2',
  'inception',
  'resnet50',
  'densenet',
] as const satisfies readonly (keyof typeof sharedModels)[]

export const hasSharedModels = existsSync(sharedDir)
export const sharedPath = (path: string): string => join(sharedDir, path)
export const fileOf = ({ path, own }: SharedModel): string => (own ? root(path) : sharedPath(path))

/** Copies models into a models folder, each with a manifest. */
export async function writeSharedModels(modelsDir: string, models: readonly SharedModel[]): Promise<void> {
  for (const model of models) {
    const { inputs, outputs, state, macs } = model
    await writeModel(modelsDir, {
      name: model.name,
      revision: '1',
      graph: readFileSync(fileOf(model)),
      inputs: [...inputs],
      outputs: [...outputs],
      manifest: {
        complexity: { macs },
        tolerance: { absolute: 1e-3 },
        ...(state === undefined ? {} : { state: [...state] }),
      },
    })
  }
}

/** Lays models out as Transformers.js looks for them, below `folder`. */
export function writeTransformersModels(folder: string, models: readonly SharedModel[]): void {
  for (const model of models) {
    mkdirSync(join(folder, model.name, 'onnx'), { recursive: true })
    copyFileSync(fileOf(model), join(folder, model.name, 'onnx/model.onnx'))
    writeFileSync(join(folder, model.name, 'config.json'), '{"model_type":"mobilenet_v2"}')
  }
}

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tinyOnnx } from '../../src/testing/tiny-onnx.ts'

const value = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const floats = (name: string, dims: number[], data: number[]) =>
  ({ name, type: 'float32', dims, data: Float32Array.from(data) }) as const

/** A recurrent model of sound that needs no weights: the loudest sample, and a thousandth more in each window. */
const loudness = () => ({
  graph: tinyOnnx({
    inputs: [value('sound', [1, 576]), value('count', [1, 1])],
    outputs: [value('loud', [1, 1]), value('next', [1, 1])],
    initializers: [floats('step', [1, 1], [0.001]), floats('half', [1, 1], [0.5])],
    nodes: [
      { op: 'Abs', inputs: ['sound'], outputs: ['size'] },
      {
        op: 'ReduceMax',
        inputs: ['size'],
        outputs: ['peak'],
        attributes: { axes: { ints: [1] }, keepdims: { int: 1 } },
      },
      { op: 'Mul', inputs: ['peak', 'half'], outputs: ['level'] },
      { op: 'Add', inputs: ['level', 'count'], outputs: ['loud'] },
      { op: 'Add', inputs: ['count', 'step'], outputs: ['next'] },
    ],
  }),
  manifest: {
    task: 'voice-activity',
    inputs: [value('sound', [1, 576]), value('count', [1, 1])],
    outputs: [value('loud', [1, 1]), value('next', [1, 1])],
    state: [{ input: 'count', output: 'next', shape: [1, 1] }],
    preprocessing: { kind: 'sound', rateHz: 16_000, windowSamples: 512, contextSamples: 64 },
    decoding: { kind: 'activity', output: 'loud', from: 0.3, until: 0.25, minPauseMs: 60, minLengthMs: 60 },
  },
})

/**
 * A detector that needs no weights: of the 4 × 4 cells of a picture, those that are yellow, pink or red. A find's box is
 * its cell, and its score is red × (green, blue, or red without those two).
 */
const blocks = () => {
  const [atanhOfHalf, logitOfQuarter] = [0.549306, -1.098612]
  return {
    graph: tinyOnnx({
      inputs: [value('picture', [1, 3, 64, 64])],
      outputs: [value('grid', [1, 8, 4, 4])],
      initializers: [
        // Something is there, middle x and y, width and height, yellow, pink, red: from red, green and blue.
        floats(
          'weights',
          [8, 3, 1, 1],
          [[1, 0, 0], ...Array(4).fill([0, 0, 0]), [0, 1, 0], [0, 0, 1], [1, -1, -1]].flat(),
        ),
        floats('bias', [8], [0, atanhOfHalf, atanhOfHalf, logitOfQuarter, logitOfQuarter, 0, 0, 0]),
      ],
      nodes: [
        {
          op: 'AveragePool',
          inputs: ['picture'],
          outputs: ['cells'],
          attributes: { kernel_shape: { ints: [16, 16] }, strides: { ints: [16, 16] } },
        },
        { op: 'Conv', inputs: ['cells', 'weights', 'bias'], outputs: ['grid'] },
      ],
    }),
    manifest: {
      task: 'object-detection',
      labels: ['yellow', 'pink', 'red'],
      inputs: [value('picture', [1, 3, 64, 64])],
      outputs: [value('grid', [1, 8, 4, 4])],
      preprocessing: { kind: 'picture', width: 64, height: 64, fit: 'stretch', channels: 'rgb', layout: 'nchw' },
      wire: [{ input: 'picture', type: 'uint8', mean: [0], scale: [1 / 255] }],
      decoding: {
        kind: 'grid',
        output: 'grid',
        offset: 'tanh',
        objectPower: 1,
        classPower: 1,
        minScore: 0.2,
        maxOverlap: 0.3,
      },
    },
  }
}

/** Puts both into a folder of models, at the end of its catalogue. */
export function writeTinyTaskModels(modelsDir: string): void {
  const path = join(modelsDir, 'catalog.json')
  const catalog = JSON.parse(readFileSync(path, 'utf8'))
  for (const [name, { graph, manifest }] of Object.entries({ loudness: loudness(), blocks: blocks() })) {
    mkdirSync(join(modelsDir, name, '1'), { recursive: true })
    writeFileSync(join(modelsDir, name, '1/model.onnx'), graph)
    const sha256 = createHash('sha256').update(graph).digest('hex')
    const whole = {
      format: 1,
      name,
      revision: '1',
      title: name,
      description: '',
      license: { name: 'MIT' },
      files: [{ path: 'model.onnx', bytes: graph.length, sha256 }],
      graph: 'model.onnx',
      complexity: { macs: 1 },
      tolerance: { absolute: 0.001 },
      ...manifest,
    }
    writeFileSync(join(modelsDir, name, '1/manifest.json'), JSON.stringify(whole))
    catalog.models.push({ name, revision: '1', manifest: `${name}/1/manifest.json` })
  }
  writeFileSync(path, JSON.stringify(catalog))
}

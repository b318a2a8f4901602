import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tinyOnnx } from '../../src/testing/tiny-onnx.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The folder beside the project with models, pictures and sound of others; absent in most places. */
export const sharedModels = fileURLToPath(new URL('../../../shared/models', import.meta.url))
export const hasShared = existsSync(sharedModels)

const rawHost = 'https://raw.githubusercontent.com/'
const sources = [
  { name: 'ultraface-rfb-320', folder: 'ultraface' },
  { name: 'fastestdet', folder: 'fastestdet' },
  { name: 'silero-vad', folder: 'silero-vad' },
]

interface ManifestFile {
  readonly path: string
  urls?: string[]
}

/** A recurrent model of sound that needs no weights: the loudest sample, and a thousandth more in each window. */
function loudness() {
  const value = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
  const graph = tinyOnnx({
    inputs: [value('sound', [1, 576]), value('count', [1, 1])],
    outputs: [value('loud', [1, 1]), value('next', [1, 1])],
    initializers: [
      { name: 'step', type: 'float32', dims: [1, 1], data: Float32Array.of(0.001) },
      { name: 'half', type: 'float32', dims: [1, 1], data: Float32Array.of(0.5) },
    ],
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
  })
  return {
    graph,
    manifest: {
      task: 'voice-activity',
      inputs: [value('sound', [1, 576]), value('count', [1, 1])],
      outputs: [value('loud', [1, 1]), value('next', [1, 1])],
      state: [{ input: 'count', output: 'next', shape: [1, 1] }],
      preprocessing: { kind: 'sound', rateHz: 16_000, windowSamples: 512, contextSamples: 64 },
      decoding: { kind: 'activity', output: 'loud', from: 0.3, until: 0.25, minPauseMs: 60, minLengthMs: 60 },
    },
  }
}

/**
 * A folder with the digits, a model of sound, and, where the bytes are there, the models of the catalogue that lie
 * elsewhere. A mirror serves those in the place of the real address, which can't be reached from everywhere.
 */
export async function openTaskModels() {
  const modelsDir = mkdtempSync(join(tmpdir(), 'hither-tasks-'))
  const asked: string[] = []
  const mirror = createServer((request, response) => {
    asked.push(request.url ?? '')
    const name = (request.url ?? '').split('/').at(-1) ?? ''
    const source = sources.find(({ folder }) => existsSync(join(sharedModels, folder, name)))
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Allow-Headers', 'range')
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else if (source === undefined) response.writeHead(404).end()
    else response.writeHead(200).end(readFileSync(join(sharedModels, source.folder, name)))
  })
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
  const address = mirror.address()
  const origin = `http://localhost:${typeof address === 'object' ? address?.port : 0}`

  cpSync(join(root, 'public/models'), modelsDir, { recursive: true })
  for (const { name, folder } of hasShared ? sources : []) {
    const at = join(modelsDir, name, '1')
    const manifest = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8'))
    for (const file of manifest.files as ManifestFile[]) {
      file.urls = file.urls?.map((url) => url.replace(rawHost, `${origin}/`)) ?? []
      // For the endpoint, which serves what lies in its folder.
      cpSync(join(sharedModels, folder, file.path), join(at, file.path))
    }
    writeFileSync(join(at, 'manifest.json'), JSON.stringify(manifest))
  }

  const { graph, manifest } = loudness()
  mkdirSync(join(modelsDir, 'loudness/1'), { recursive: true })
  writeFileSync(join(modelsDir, 'loudness/1/model.onnx'), graph)
  const sha256 = createHash('sha256').update(graph).digest('hex')
  const whole = {
    format: 1,
    name: 'loudness',
    revision: '1',
    title: 'Loudness',
    description: '',
    license: { name: 'MIT' },
    files: [{ path: 'model.onnx', bytes: graph.length, sha256 }],
    graph: 'model.onnx',
    complexity: { macs: 1 },
    tolerance: { absolute: 0.001 },
    ...manifest,
  }
  writeFileSync(join(modelsDir, 'loudness/1/manifest.json'), JSON.stringify(whole))
  const catalog = JSON.parse(readFileSync(join(modelsDir, 'catalog.json'), 'utf8'))
  catalog.models.push({ name: 'loudness', revision: '1', manifest: 'loudness/1/manifest.json' })
  writeFileSync(join(modelsDir, 'catalog.json'), JSON.stringify(catalog))

  return {
    modelsDir,
    origin,
    /** Paths that the mirror was asked for. */
    asked: asked as readonly string[],
    close() {
      mirror.close()
      mirror.closeAllConnections()
      rmSync(modelsDir, { recursive: true, force: true })
    },
  }
}

/** Pictures and sound by the names that tests give them. */
export function sharedFile(name: string): Buffer {
  return readFileSync(join(sharedModels, name))
}

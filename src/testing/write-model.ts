import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from '../contracts/manifest.ts'
import { plainManifest } from './fake-manifest.ts'

/** Writes a model's graph and an honest manifest to `modelsDir/<name>/<revision>/`; `manifest` may make it lie. */
export async function writeModel(
  modelsDir: string,
  model: Pick<Manifest, 'name' | 'inputs' | 'outputs'> & {
    readonly revision?: string
    readonly graph: Uint8Array
    readonly manifest?: Partial<Manifest>
  },
): Promise<Manifest> {
  const { name, revision = 'r1', graph, inputs, outputs } = model
  const folder = join(modelsDir, name, revision)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'model.onnx'), graph)
  const sha256 = createHash('sha256').update(graph).digest('hex')
  const files = [{ path: 'model.onnx', bytes: graph.length, sha256 }]
  const manifest = plainManifest({ name, revision, files, inputs, outputs, ...model.manifest })
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  return manifest
}

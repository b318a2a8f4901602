import { sha256 } from 'hash-wasm'
import type { Manifest } from '../contracts/manifest.ts'

/** What a manifest for tests has in common: a model of one graph that takes `x` and gives `y`. */
export function plainManifest(facts: Pick<Manifest, 'name' | 'revision' | 'files'> & Partial<Manifest>): Manifest {
  return {
    format: 1,
    title: facts.name,
    description: '',
    task: 'tensors',
    license: { name: 'MIT' },
    graph: facts.files[0]?.path ?? '',
    inputs: [{ name: 'x', type: 'float32', shape: [1] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1] }],
    complexity: { macs: 1 },
    tolerance: { absolute: 0 },
    ...facts,
  }
}

/** A manifest of these files, by path; the first one is the graph. */
export async function fakeManifest(
  files: Record<string, Uint8Array>,
  changes: Partial<Manifest> = {},
): Promise<Manifest> {
  const list = await Promise.all(
    Object.entries(files).map(async ([path, bytes]) => ({
      path,
      bytes: bytes.byteLength,
      sha256: await sha256(bytes),
    })),
  )
  return plainManifest({
    name: 'fake',
    revision: '1',
    title: 'Fake',
    description: 'A model for tests.',
    files: list,
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 2] }],
    complexity: { macs: 4 },
    tolerance: { absolute: 0.001 },
    ...changes,
  })
}

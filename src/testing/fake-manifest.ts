import { sha256 } from 'hash-wasm'
import type { Manifest } from '../contracts/manifest.ts'

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
  return {
    format: 1,
    name: 'fake',
    revision: '1',
    title: 'Fake',
    description: 'A model for tests.',
    task: 'tensors',
    license: { name: 'MIT' },
    files: list,
    graph: list[0]?.path ?? '',
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 2] }],
    complexity: { macs: 4 },
    tolerance: { absolute: 0.001 },
    ...changes,
  }
}

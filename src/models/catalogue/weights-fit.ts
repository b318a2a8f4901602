import type { Manifest } from '../../contracts/manifest.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toFilePath } from '../manifest/file-path.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { type OnnxHeader, readOutsideWeights } from '../onnx/read-onnx.ts'

/**
 * Holds the files of weights against what the graph reads of them: the runtime finds a file that was cut only when it
 * loads the model.
 *
 * @param files by path in the manifest
 * @throws {ModelError} `onnx-unreadable`, with the file, its bytes, and how many of it the graph needs
 */
export function assertWeightsFit(
  { outside }: Pick<OnnxHeader, 'outside'>,
  files: readonly { readonly path: string; readonly bytes: number }[],
): void {
  for (const { path, bytes } of files) {
    const inside = outside.filter(({ file }) => toFilePath(file) === path)
    const beyond = inside.find((weight) => weight.offset + weight.bytes > bytes)
    if (beyond === undefined) continue
    const neededBytes = inside.reduce((most, weight) => Math.max(most, weight.offset + weight.bytes), 0)
    const { name, offset } = beyond
    throw new ModelError(
      'onnx-unreadable',
      `“${path}” has ${bytes} bytes, and the graph needs ${neededBytes} of it: its weights "${name}" lie at bytes ${offset} to ${offset + beyond.bytes}. Was it cut short, or saved with another model? Give the file that was saved with this one.`,
      { context: { file: path, weights: name, bytes, neededBytes } },
    )
  }
}

/**
 * Holds a manifest against what its graph reads of other files.
 *
 * @throws {ModelError} `import-invalid`: the manifest names other files of weights, or these are too short
 */
export async function assertWeightsMatch(manifest: Manifest, graph: Blob): Promise<void> {
  const refuse = (why: string, cause?: unknown) =>
    new ModelError('import-invalid', `The import of ${manifest.name} cannot run: ${why}`, { cause })
  try {
    const outside = await readOutsideWeights(blobSource(graph))
    // The runtime leaves this out, too.
    const plain = (path: string) => path.replace(/^\.\//, '')
    const named = (manifest.externalData ?? []).map(plain)
    const unnamed = outside.find(({ file }) => !named.includes(plain(file)))
    if (unnamed !== undefined) {
      throw refuse(
        `its graph reads weights from “${unnamed.file}”, which "externalData" of its manifest does not name.`,
      )
    }
    assertWeightsFit({ outside }, manifest.files)
  } catch (error) {
    if (isHitherError(error) && error.code.startsWith('onnx-')) throw refuse(error.message, error)
    throw error
  }
}

import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { type DraftFacts, draftManifest } from '../onnx/draft-manifest.ts'
import type { OnnxHeader } from '../onnx/read-onnx.ts'

/**
 * Drafts the manifest of a model that came without one.
 *
 * @throws {ModelError} `onnx-unreadable`: no manifest can describe it. The person wrote none, so none is spoken of.
 */
export function describeModel(facts: DraftFacts, header: OnnxHeader): Manifest {
  try {
    return draftManifest(facts, header)
  } catch (cause) {
    if (!isHitherError(cause) || cause.code !== 'manifest-invalid') throw cause
    const why = String(cause.context.problem ?? cause.message)
    throw new ModelError('onnx-unreadable', `“${facts.title}” cannot be added: ${why}.`, { cause })
  }
}

/** A known model that is added once more: as it is, with what is new of its title and its files' addresses. */
export function keepKnown(known: Manifest, files: readonly ModelFile[], title: string | undefined): Manifest {
  return {
    ...known,
    title: title ?? known.title,
    files: known.files.map((file) => {
      const urls = files.find(({ sha256 }) => sha256 === file.sha256)?.urls ?? file.urls
      return urls === undefined ? file : { ...file, urls }
    }),
  }
}

import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { isSameAnswer, isTelling, sampleAnswer } from './compare-answers.ts'
import type { ModelReference } from './device-knowledge.ts'
import type { EdgeHost } from './edge-host.ts'
import { referenceInputs } from './reference-inputs.ts'

/** A run for comparison goes on while nobody waits, and may be of a model that was never timed. */
const runTimeoutMs = 60_000
/** What free dimensions are taken as, the first that the model takes: a short sequence, a small picture, one. */
const freeSizes = [4, 32, 1] as const

type Runs = Pick<EdgeHost, 'run'>

const answerOf = async (host: Runs, manifest: Manifest, inputs: TensorMap) =>
  (await host.run(modelKey(manifest), inputs, { timeoutMs: runTimeoutMs })).outputs

/**
 * What a model answers to made-up inputs, on the backend that is trusted. Undefined where it takes none of them, or
 * answers differently each time.
 *
 * @throws {EdgeError} the worker died
 */
export async function makeReference(manifest: Manifest, host: Runs): Promise<ModelReference | undefined> {
  for (const freeSize of freeSizes) {
    try {
      const inputs = referenceInputs(manifest.inputs, freeSize)
      const answer = sampleAnswer(await answerOf(host, manifest, inputs))
      const again = await answerOf(host, manifest, inputs)
      if (isTelling(answer) && isSameAnswer(answer, again, 0)) return { freeSize, answer }
    } catch (error) {
      if (!isHitherError(error) || error.code !== 'edge-run-failed') throw error
    }
  }
  return undefined
}

/** Does the model answer the same here? @throws {EdgeError} it does not run */
export async function isAsReference(reference: ModelReference, manifest: Manifest, host: Runs): Promise<boolean> {
  const outputs = await answerOf(host, manifest, referenceInputs(manifest.inputs, reference.freeSize))
  return isSameAnswer(reference.answer, outputs, manifest.tolerance.absolute)
}

/** Do two places of a model answer the same to all of these inputs? @throws {EdgeError} it does not run in one of them */
export async function agreesOn(
  inputs: readonly TensorMap[],
  manifest: Manifest,
  [now, other]: readonly [Runs, Runs],
): Promise<boolean> {
  for (const given of inputs) {
    const expected = sampleAnswer(await answerOf(now, manifest, given))
    if (!isSameAnswer(expected, await answerOf(other, manifest, given), manifest.tolerance.absolute)) return false
  }
  return true
}

/** The inputs that a reference was made with. */
export const inputsOf = ({ freeSize }: ModelReference, { inputs }: Manifest): TensorMap =>
  referenceInputs(inputs, freeSize)

import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { modelKey } from '../../models/manifest/model-key.ts'

/** Runs in the cloud of models whose inputs have a smaller form to travel in. */
export interface WireFormRuns {
  /**
   * Sends inputs in their wire form. An endpoint that serves the same model but does not know manifests refuses it as
   * the wrong type; it is then sent what the model itself takes, from now on at once.
   */
  run<T>(
    manifest: Manifest,
    inputs: TensorMap,
    send: (inputs: TensorMap) => Promise<T>,
    unpack: (manifest: Manifest, inputs: TensorMap) => Promise<TensorMap>,
  ): Promise<T>
}

/** Statuses with which servers refuse a tensor of another type. */
const wrongTypeStatuses: readonly unknown[] = [400, 422]

export function createWireFormRuns(): WireFormRuns {
  const plain = new Set<string>()
  return {
    async run(manifest, inputs, send, unpack) {
      const { wire = [], inputs: specs } = manifest
      const travels = wire.some(({ input }) => inputs[input]?.type !== specs.find(({ name }) => name === input)?.type)
      if (!travels) return send(inputs)
      const key = modelKey(manifest)
      if (plain.has(key)) return send(await unpack(manifest, inputs))
      try {
        return await send(inputs)
      } catch (error) {
        const refused = isHitherError(error) && error.code === 'cloud-refused'
        if (!refused || !wrongTypeStatuses.includes(error.context.status)) throw error
        const answer = await send(await unpack(manifest, inputs))
        plain.add(key)
        return answer
      }
    },
  }
}

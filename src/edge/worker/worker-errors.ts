import { EdgeError } from '../../errors/edge-error.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { given } from '../../utils/given.ts'
import { sleep } from '../../utils/sleep.ts'
import type { LoadRequest } from '../worker-types.ts'
import { runtimeReason, withReason } from './runtime-reason.ts'

/** A run that fails because its device is going may say so before the device does. */
const lossIsToldWithinMs = 200

/** After a trap nothing in this runtime can be relied on: the page replaces the worker. */
const toCrash = (cause: unknown): EdgeError | undefined =>
  cause instanceof WebAssembly.RuntimeError
    ? new EdgeError('edge-crashed', 'The part of this page that runs models has crashed and was replaced.', { cause })
    : undefined

/** Why a model did not load, or its first run failed. */
export function toLoadError(error: unknown, { backend }: Pick<LoadRequest, 'backend'>): HitherError {
  if (isHitherError(error)) return error
  const reason = runtimeReason(error)
  return (
    toCrash(error) ??
    new ModelError('model-load-failed', withReason('The model could not be loaded in this browser', reason), {
      cause: error,
      context: { backend, ...given({ reason }) },
    })
  )
}

/**
 * Why a run failed: because its device is lost, because the runtime trapped, or as the runtime says.
 *
 * @param lost resolves when the device is lost that it ran on
 */
export async function toRunError(cause: unknown, lost: Promise<GPUDeviceLostInfo> | undefined): Promise<EdgeError> {
  const crash = toCrash(cause)
  if (crash !== undefined) return crash
  const info = lost && (await Promise.race([lost, sleep(lossIsToldWithinMs)]))
  if (info !== undefined) {
    return new EdgeError('edge-device-lost', 'The graphics processor was lost while the model ran on it.', { cause })
  }
  const reason = runtimeReason(cause)
  return new EdgeError('edge-run-failed', withReason('The model failed while it ran on this device', reason), {
    cause,
    context: given({ reason }),
  })
}

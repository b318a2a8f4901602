import { CapabilityError } from '../../errors/capability-error.ts'
import { ModelError } from '../../errors/model-error.ts'

/** By name: the error's class differs between browsers and their versions. */
export const isStorageFull = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError'

/** What the browser's storage threw, as an error of ours; an abort and anything else stay as they are. */
export function toStorageError(error: unknown, name: string): unknown {
  if (isStorageFull(error)) {
    return new ModelError(
      'storage-full',
      `There is no room on this device for ${name}. Remove a model or free space.`,
      {
        cause: error,
      },
    )
  }
  if (error instanceof DOMException && error.name !== 'AbortError') {
    return new CapabilityError('storage-unavailable', `This browser could not store ${name}.`, { cause: error })
  }
  return error
}

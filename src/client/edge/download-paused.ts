import type { Manifest } from '../../contracts/manifest.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'

/** The person paused the model's download: it does not go on by itself. */
export const downloadPaused = ({ name }: Pick<Manifest, 'name'>) =>
  new ModelError('download-paused', `The download of ${name} is paused. Resume it to run the model on this device.`)

export const isDownloadPaused = (error: unknown): boolean => isHitherError(error) && error.code === 'download-paused'

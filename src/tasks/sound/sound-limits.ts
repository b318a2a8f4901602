import { ValidationError } from '../../errors/validation-error.ts'

/** Largest sound file that is read. */
export const maxSoundBytes = 100_000_000

/** Longest sound that is answered as a whole, in seconds; a stream may go on for ever. */
export const maxSoundSeconds = 3_600

/** Rates that sound may come in, in samples a second. */
const leastRateHz = 3_000
const mostRateHz = 768_000

const maxChannels = 32

/**
 * Refuses sound whose rate or channels cannot be, or that is too long.
 *
 * @throws {ValidationError} `sound-unreadable`, `sound-too-large` or `sound-empty`
 */
export function checkSound(rateHz: number, channels: readonly Float32Array[]): void {
  if (!(rateHz >= leastRateHz && rateHz <= mostRateHz)) {
    throw new ValidationError(
      'sound-unreadable',
      `Sound has ${leastRateHz} to ${mostRateHz} samples a second, and this has ${String(rateHz).slice(0, 20)}.`,
    )
  }
  if (channels.length === 0 || channels.length > maxChannels) {
    throw new ValidationError('sound-unreadable', `Sound has 1 to ${maxChannels} channels, not ${channels.length}.`)
  }
  const [length = 0] = channels.map((samples) => samples.length)
  if (channels.some((samples) => samples.length !== length)) {
    throw new ValidationError('sound-unreadable', 'The channels of this sound differ in length.')
  }
  if (length === 0) throw new ValidationError('sound-empty', 'There is no sound in this.')
  if (length / rateHz > maxSoundSeconds) {
    throw new ValidationError(
      'sound-too-large',
      `This sound lasts ${Math.round(length / rateHz)} s; at most ${maxSoundSeconds} s are heard at once.`,
    )
  }
}

/**
 * Refuses a file that is empty or too large to read.
 *
 * @throws {ValidationError} `sound-empty` or `sound-too-large`
 */
export function checkSoundBytes(bytes: number): void {
  if (bytes === 0) throw new ValidationError('sound-empty', 'This file is empty. Choose a sound.')
  if (bytes > maxSoundBytes) {
    throw new ValidationError(
      'sound-too-large',
      `This file has ${(bytes / 1e6).toFixed(1)} MB; at most ${maxSoundBytes / 1e6} MB are read.`,
    )
  }
}

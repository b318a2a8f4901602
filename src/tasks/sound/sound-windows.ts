import type { SoundPreprocessing } from '../../contracts/preprocessing.ts'
import { mixDown } from './mix-down.ts'
import { createResampler } from './resampler.ts'

/** Cuts sound into a model's windows, piece by piece. */
export interface SoundWindows {
  /**
   * The windows that are full once these samples have come, one after the other, each with the end of the one before
   * it in front.
   *
   * @param channels samples of each channel, −1 to 1, equally many
   * @param last no more will come: the last window is filled up with silence
   */
  push(channels: readonly Float32Array[], last?: boolean): Float32Array<ArrayBuffer>
}

/**
 * Sound of any rate and number of channels as the windows that a model takes: mixed down, resampled, cut.
 *
 * @param rateHz samples a second of what will come
 */
export function createSoundWindows(preprocessing: SoundPreprocessing, rateHz: number): SoundWindows {
  const { windowSamples, contextSamples = 0 } = preprocessing
  const resampler = createResampler(rateHz, preprocessing.rateHz)
  const length = contextSamples + windowSamples
  let context = new Float32Array(contextSamples)
  let waiting = new Float32Array()

  return {
    push(channels, last = false) {
      const pieces = [waiting, resampler.push(mixDown(channels)), ...(last ? [resampler.end()] : [])]
      const samples = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
      pieces.reduce((at, piece) => {
        samples.set(piece, at)
        return at + piece.length
      }, 0)
      const full = samples.length / windowSamples
      const count = last ? Math.ceil(full) : Math.floor(full)
      const windows = new Float32Array(count * length)
      for (let index = 0; index < count; index += 1) {
        const own = samples.subarray(index * windowSamples, (index + 1) * windowSamples)
        const window = windows.subarray(index * length, (index + 1) * length)
        window.set(context)
        window.set(own, contextSamples)
        context = window.slice(length - contextSamples)
      }
      waiting = samples.slice(count * windowSamples)
      return windows
    },
  }
}

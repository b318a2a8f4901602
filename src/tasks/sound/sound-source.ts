/** Samples as they are: one array a channel, −1 to 1. */
export interface RawSound {
  readonly samples: Float32Array | readonly Float32Array[]
  /** Samples a second. */
  readonly rateHz: number
}

/** Anything a whole sound can be read from: a file, decoded sound, or samples with their rate. */
export type SoundSource = Blob | AudioBuffer | RawSound

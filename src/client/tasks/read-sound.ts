import { ValidationError } from '../../errors/validation-error.ts'
import { soundFileRate } from '../../tasks/sound/sound-file-rate.ts'
import { checkSound, checkSoundBytes } from '../../tasks/sound/sound-limits.ts'
import type { SoundSource } from '../../tasks/sound/sound-source.ts'
import { abortable } from '../../utils/abortable.ts'
import { isInstance } from '../../utils/is-instance.ts'
import { readGiven } from '../../utils/read-given.ts'

/** Sound whose samples are the caller's own: they may be handed to a worker. */
export interface ReadSound {
  readonly rateHz: number
  readonly channels: readonly Float32Array[]
}

const unreadable = (message: string, cause?: unknown) => new ValidationError('sound-unreadable', message, { cause })

/** Its rate is what the browser resamples to while it decodes. */
function openContext(rateHz: number): OfflineAudioContext {
  return new OfflineAudioContext({ numberOfChannels: 1, length: 1, sampleRate: rateHz })
}

/** At the file's own rate, where it is known and the browser takes it: browsers resample far-off rates badly. */
function contextFor(bytes: ArrayBuffer, rateHz: number): OfflineAudioContext {
  try {
    return openContext(soundFileRate(bytes) ?? rateHz)
  } catch {
    return openContext(rateHz)
  }
}

/** Decoded by the browser, off this thread, and only here: workers have no decoder for sound. */
async function decode(file: Blob, rateHz: number): Promise<AudioBuffer> {
  checkSoundBytes(file.size)
  let bytes: ArrayBuffer
  try {
    bytes = await file.arrayBuffer()
  } catch (cause) {
    throw unreadable('This file can no longer be read. Choose it again.', cause)
  }
  try {
    return await contextFor(bytes, rateHz).decodeAudioData(bytes)
  } catch (cause) {
    throw unreadable('This file is not a sound this browser can read.', cause)
  }
}

const channelsOf = (buffer: AudioBuffer): Float32Array[] =>
  Array.from({ length: buffer.numberOfChannels }, (_, channel) => {
    const samples = new Float32Array(buffer.length)
    buffer.copyFromChannel(samples, channel)
    return samples
  })

/**
 * Reads a whole sound into samples.
 *
 * @param rateHz rate to decode a file at that does not tell its own; other sound keeps its own
 * @throws {ValidationError} `sound-unreadable`, `sound-too-large`, `sound-empty`
 * @throws the signal's reason
 */
export async function readSound(source: SoundSource, rateHz: number, signal?: AbortSignal): Promise<ReadSound> {
  const given: unknown = source
  if (isInstance(given, 'Blob') || isInstance(given, 'AudioBuffer')) {
    const buffer = isInstance(given, 'Blob') ? await abortable(decode(given, rateHz), signal) : given
    const sound = { rateHz: buffer.sampleRate, channels: channelsOf(buffer) }
    checkSound(sound.rateHz, sound.channels)
    return sound
  }
  return readGiven(
    () => readSamples(given),
    'sound-unreadable',
    'This sound can no longer be read: it was handed over or closed. Give it again.',
  )
}

/** Samples that a page has already. */
function readSamples(given: unknown): ReadSound {
  if (typeof given !== 'object' || given === null || !('samples' in given) || !('rateHz' in given)) {
    throw unreadable('A sound is needed: a file, an audio buffer, or samples with their rate.')
  }
  const channels: readonly unknown[] = Array.isArray(given.samples) ? given.samples : [given.samples]
  if (!channels.every((samples) => isInstance(samples, 'Float32Array')) || typeof given.rateHz !== 'number') {
    throw unreadable('Samples are Float32Arrays, one a channel, and their rate is a number.')
  }
  checkSound(given.rateHz, channels)
  return { rateHz: given.rateHz, channels: channels.map((samples) => samples.slice()) }
}

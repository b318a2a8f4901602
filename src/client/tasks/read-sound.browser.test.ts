import { describe, expect, it, vi } from 'vitest'
import { openOtherRealm } from '../../testing/other-realm.ts'
import { wav } from '../../testing/wav.ts'
import { readSound } from './read-sound.ts'

const refused = (code: string) => expect.objectContaining({ name: 'ValidationError', code })
const tone = (rateHz: number, seconds = 0.5) =>
  Float32Array.from({ length: rateHz * seconds }, (_, at) => 0.5 * Math.sin((2 * Math.PI * 440 * at) / rateHz))

describe('readSound', () => {
  it.each([
    [8000, 1],
    [48_000, 6],
    [192_000, 2],
  ])('decodes a WAV file of %i Hz and %i channels at its own rate', async (rateHz, count) => {
    const file = new Blob([
      wav(
        Array.from({ length: count }, () => tone(rateHz)),
        rateHz,
      ),
    ])
    const sound = await readSound(file, 16_000)
    expect([sound.rateHz, sound.channels.length]).toEqual([rateHz, count])
    for (const samples of sound.channels) {
      expect(samples.length).toBe(rateHz / 2)
      expect(samples.reduce((most, value) => Math.max(most, value), 0)).toBeCloseTo(0.5, 2)
    }
  })

  it('decodes a file that does not tell its rate at the one that is asked for', async () => {
    const file = await (await fetch('/samples/speech/machine-voice.mp3')).blob()
    for (const rateHz of [16_000, 24_000]) {
      const sound = await readSound(file, rateHz)
      expect(sound.rateHz).toBe(rateHz)
      expect((sound.channels[0]?.length ?? 0) / rateHz).toBeGreaterThan(5)
    }
  })

  it('decodes a file whose rate the browser has no context for at the one that is asked for', async () => {
    const { OfflineAudioContext: Context } = globalThis
    const refuses = class extends Context {
      constructor(options: OfflineAudioContextOptions) {
        if (options.sampleRate > 96_000) throw new DOMException('no such rate', 'NotSupportedError')
        super(options)
      }
    }
    vi.stubGlobal('OfflineAudioContext', refuses)
    const sound = await readSound(new Blob([wav([tone(192_000)], 192_000)]), 16_000)
    vi.unstubAllGlobals()
    expect([sound.rateHz, sound.channels[0]?.length]).toEqual([16_000, 8000])
  })

  it('takes an audio buffer as it is, and leaves it to its owner', async () => {
    const buffer = new AudioBuffer({ length: 4410, numberOfChannels: 2, sampleRate: 44_100 })
    buffer.copyToChannel(tone(44_100, 0.1), 1)
    const sound = await readSound(buffer, 16_000)
    expect([sound.rateHz, sound.channels.map(({ length }) => length)]).toEqual([44_100, [4410, 4410]])
    sound.channels[1]?.fill(9)
    expect(Math.max(...buffer.getChannelData(1))).toBeLessThan(1)
  })

  it('takes samples of one or more channels, and copies them', async () => {
    const samples = tone(8000)
    const one = await readSound({ samples, rateHz: 8000 }, 16_000)
    expect(one).toEqual({ rateHz: 8000, channels: [samples] })
    expect(one.channels[0]).not.toBe(samples)
    expect((await readSound({ samples: [samples, samples], rateHz: 192_000 }, 16_000)).channels).toHaveLength(2)
  })

  const tooMany = Array.from({ length: 33 }, () => new Float32Array(8))
  it.each<[string, string, unknown]>([
    ['no samples', 'sound-empty', { samples: new Float32Array(), rateHz: 16_000 }],
    ['an empty file', 'sound-empty', new Blob()],
    ['a file that is no sound', 'sound-unreadable', new Blob(['RIFF but no sound'])],
    ['a rate of 2 kHz', 'sound-unreadable', { samples: new Float32Array(8), rateHz: 2000 }],
    ['a rate that is no number', 'sound-unreadable', { samples: new Float32Array(8), rateHz: Number.NaN }],
    ['33 channels', 'sound-unreadable', { samples: tooMany, rateHz: 16_000 }],
    ['no channel', 'sound-unreadable', { samples: [], rateHz: 16_000 }],
    ['channels that differ in length', 'sound-unreadable', { samples: [tone(8000), tone(8000, 1)], rateHz: 8000 }],
    ['samples of another type', 'sound-unreadable', { samples: [1, 2, 3], rateHz: 16_000 }],
    ['nothing', 'sound-unreadable', undefined],
    ['more than an hour', 'sound-too-large', { samples: new Float32Array(3_601 * 3000), rateHz: 3000 }],
    [
      'a file of more than 100 MB',
      'sound-too-large',
      new Blob(Array.from({ length: 101 }, () => new Uint8Array(1_000_000))),
    ],
  ])('refuses %s', async (_, code, source) => {
    await expect(readSound(source as Blob, 16_000)).rejects.toEqual(refused(code))
  })

  it('refuses samples that were handed over, and what throws when it is read', async () => {
    const samples = tone(8000)
    structuredClone(samples.buffer, { transfer: [samples.buffer] })
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const source of [{ samples: proxy, rateHz: 8000 }, proxy]) {
      await expect(readSound(source as Blob, 16_000)).rejects.toEqual(refused('sound-unreadable'))
    }
    await expect(readSound({ samples, rateHz: 8000 }, 16_000)).rejects.toMatchObject({ name: 'ValidationError' })
  })

  it('gives up when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readSound(new Blob([wav([tone(48_000)], 48_000)]), 16_000, signal)).rejects.toThrow('enough')
  })

  it('reads sound that a frame made', async () => {
    const { realm, close } = openOtherRealm()
    const samples = realm.Float32Array.from(tone(16_000))
    const buffer = new realm.AudioBuffer({ numberOfChannels: 1, length: samples.length, sampleRate: 16_000 })
    buffer.copyToChannel(samples, 0)
    const file = new realm.Blob([wav([tone(16_000)], 16_000)])
    for (const given of [{ samples, rateHz: 16_000 }, buffer, file]) {
      const { rateHz, channels } = await readSound(given, 16_000)
      expect([rateHz, channels[0]?.length]).toEqual([16_000, 8000])
    }
    close()
  })
})

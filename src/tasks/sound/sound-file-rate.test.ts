import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wav } from '../../testing/wav.ts'
import { soundFileRate } from './sound-file-rate.ts'

const rateOf = (bytes: Uint8Array) => soundFileRate(Uint8Array.from(bytes).buffer)
const ascii = (value: string) => new TextEncoder().encode(value)

test.each([8000, 44_100, 192_000])('a WAV file of %i Hz', (rateHz) => {
  expect(rateOf(wav([new Float32Array(4)], rateHz))).toBe(rateHz)
})

test('a WAV file with another chunk of odd length before its format', () => {
  const plain = wav([new Float32Array(4)], 96_000)
  const other = Uint8Array.of(...ascii('LIST'), 3, 0, 0, 0, 1, 2, 3, 0)
  expect(rateOf(Uint8Array.of(...plain.subarray(0, 12), ...other, ...plain.subarray(12)))).toBe(96_000)
})

test('a FLAC file', () => {
  const head = new Uint8Array(42)
  head.set(ascii('fLaC'))
  head[7] = 34
  // 192,000 in 20 bits, then channels and depth.
  head.set([0x2e, 0xe0, 0x02, 0xf0], 18)
  expect(rateOf(head)).toBe(192_000)
})

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['an MP3 file', ascii('ID3 and so on, and so on')],
  ['a WAV file that ends early', wav([new Float32Array(4)], 8000).subarray(0, 20)],
  ['a FLAC file that ends early', ascii('fLaC')],
  ['a rate of none', wav([new Float32Array(4)], 0)],
])('%s has no rate to tell', (_, bytes) => {
  expect(rateOf(bytes)).toBeUndefined()
})

test('whatever the bytes, it gives a number or nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom('RIFF', 'RF64', 'fLaC'), fc.uint8Array({ maxLength: 80 }), (kind, rest) => {
      const rateHz = rateOf(Uint8Array.of(...ascii(kind), ...rest.subarray(0, 4), ...ascii('WAVE'), ...rest))
      expect(rateHz === undefined || rateHz > 0).toBe(true)
    }),
  )
})

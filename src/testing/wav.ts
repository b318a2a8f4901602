/** A WAV file: samples of each channel, equally many, as 32-bit floats, so that no number is out of reach. */
export function wav(channels: readonly Float32Array[], rateHz: number): Uint8Array<ArrayBuffer> {
  const [length = 0] = channels.map((samples) => samples.length)
  const frameBytes = 4 * channels.length
  const bytes = new Uint8Array(44 + length * frameBytes)
  const view = new DataView(bytes.buffer)
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at)
  text(0, 'RIFF')
  view.setUint32(4, bytes.length - 8, true)
  text(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  // IEEE floats.
  view.setUint16(20, 3, true)
  view.setUint16(22, channels.length, true)
  view.setUint32(24, rateHz, true)
  view.setUint32(28, rateHz * frameBytes, true)
  view.setUint16(32, frameBytes, true)
  view.setUint16(34, 32, true)
  text(36, 'data')
  view.setUint32(40, length * frameBytes, true)
  channels.forEach((samples, channel) => {
    samples.forEach((value, index) => {
      view.setFloat32(44 + index * frameBytes + 4 * channel, value, true)
    })
  })
  return bytes
}

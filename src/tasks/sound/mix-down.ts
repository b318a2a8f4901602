/** Shares of the channels in one: Web Audio's for speakers, the mean for any other number of channels. */
function sharesOf(count: number): readonly number[] {
  const side = Math.SQRT1_2
  if (count === 1) return [1]
  if (count === 2) return [0.5, 0.5]
  if (count === 4) return [0.25, 0.25, 0.25, 0.25]
  // Left, right, centre, low frequencies (left out), the two behind.
  if (count === 6) return [side, side, 1, 0, 0.5, 0.5]
  return new Array<number>(count).fill(1 / count)
}

/**
 * Channels mixed down to one, as Web Audio does it. What is no number counts as silence, and what is louder than
 * full scale is clipped: one bad sample must not spoil a model's memory of all that follows.
 *
 * Source: https://www.w3.org/TR/webaudio/#down-mix
 */
export function mixDown(channels: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const length = channels.reduce((least, { length }) => Math.min(least, length), channels[0]?.length ?? 0)
  const shares = sharesOf(channels.length)
  const mono = new Float32Array(length)
  channels.forEach((samples, channel) => {
    const share = shares[channel] ?? 0
    if (share === 0) return
    for (let i = 0; i < length; i += 1) {
      const value = samples[i] ?? 0
      if (Number.isFinite(value)) mono[i] = (mono[i] ?? 0) + share * value
    }
  })
  for (let i = 0; i < length; i += 1) mono[i] = Math.max(-1, Math.min(1, mono[i] ?? 0))
  return mono
}

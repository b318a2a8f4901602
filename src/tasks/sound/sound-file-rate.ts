const text = (view: DataView, at: number): string =>
  at + 4 <= view.byteLength ? String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4)) : ''

function waveRate(view: DataView): number | undefined {
  let at = 12
  while (at + 16 <= view.byteLength) {
    if (text(view, at) === 'fmt ') return view.getUint32(at + 12, true)
    // Chunks are padded to an even length.
    const bytes = view.getUint32(at + 4, true)
    at += 8 + bytes + (bytes % 2)
  }
  return undefined
}

/** Its first block is STREAMINFO, which has 20 bits of rate behind four numbers of 80 bits. */
const flacRate = (view: DataView): number | undefined => (view.byteLength >= 22 ? view.getUint32(18) >>> 12 : undefined)

/**
 * Samples a second that a WAV or FLAC file says it has; undefined for any other file. Those two may have rates that
 * browsers resample badly. Never throws.
 */
export function soundFileRate(bytes: ArrayBuffer): number | undefined {
  const view = new DataView(bytes)
  const kind = text(view, 0)
  const rateHz =
    (kind === 'RIFF' || kind === 'RF64') && text(view, 8) === 'WAVE'
      ? waveRate(view)
      : kind === 'fLaC'
        ? flacRate(view)
        : undefined
  return rateHz === 0 ? undefined : rateHz
}

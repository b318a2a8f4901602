/** Bodies shorter than this fit in a packet or two: there is nothing to save. */
export const leastBytes = 4096
const sliceBytes = 2048
const slices = 8

/** A sample that does not shrink below this part of itself is not worth the work. */
export const worthRatio = 0.7

/** Pieces at equal distances, so that a header full of text does not speak for the picture behind it. */
export function takeSample(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (body.length <= slices * sliceBytes) return body
  const sample = new Uint8Array(slices * sliceBytes)
  const step = Math.floor((body.length - sliceBytes) / (slices - 1))
  for (let index = 0; index < slices; index += 1) {
    sample.set(body.subarray(index * step, index * step + sliceBytes), index * sliceBytes)
  }
  return sample
}

/** Compresses a sample to see whether the whole is worth it: noise is not compressed to find out that it is noise. */
export async function isWorthCompressing(
  body: Uint8Array<ArrayBuffer>,
  pack: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>,
): Promise<boolean> {
  if (body.length < leastBytes) return false
  const sample = takeSample(body)
  return (await pack(sample)).length <= worthRatio * sample.length
}

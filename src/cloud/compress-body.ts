/** Bodies shorter than this fit in a packet or two: there is nothing to save. */
const leastBytes = 4096
const sliceBytes = 2048
const slices = 8
/** A sample that does not shrink below this part of itself is not worth the work. */
const worthRatio = 0.7

/**
 * Compresses a request's body where that makes it arrive sooner. A sample from all over the body is compressed first:
 * it tells how much the body would shrink and how long that takes, and noise is not compressed to find out that it is
 * noise.
 *
 * @param options.bitsPerSecond the uplink; absent while it is unknown, then only the ratio decides
 * @param options.now milliseconds that never go back
 * @returns undefined where the body is better sent as it is
 */
export async function compressWherePays(
  body: Uint8Array<ArrayBuffer>,
  options: { readonly bitsPerSecond?: number | undefined; readonly now: () => number },
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { bitsPerSecond, now } = options
  if (body.length < leastBytes || typeof CompressionStream === 'undefined') return undefined
  const sample = takeSample(body)
  const startMs = now()
  const ratio = (await gzip(sample)).length / sample.length
  const spentMs = now() - startMs
  if (ratio > worthRatio) return undefined
  if (bitsPerSecond !== undefined) {
    const savedMs = ((1 - ratio) * body.length * 8 * 1000) / bitsPerSecond
    // The server's unpacking is several times faster than packing here; twice the packing is a cautious sum of both.
    if (2 * spentMs * (body.length / sample.length) > savedMs) return undefined
  }
  const packed = await gzip(body)
  return packed.length < body.length ? packed : undefined
}

/** Pieces at equal distances, so that a header full of text does not speak for the picture behind it. */
function takeSample(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (body.length <= slices * sliceBytes) return body
  const sample = new Uint8Array(slices * sliceBytes)
  const step = Math.floor((body.length - sliceBytes) / (slices - 1))
  for (let index = 0; index < slices; index += 1) {
    sample.set(body.subarray(index * step, index * step + sliceBytes), index * sliceBytes)
  }
  return sample
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

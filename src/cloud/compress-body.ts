import { leastBytes, takeSample, worthRatio } from '../protocol/sample-body.ts'

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

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}

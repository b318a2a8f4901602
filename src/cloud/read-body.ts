import { CloudError } from '../errors/cloud-error.ts'

/** Makes one body of its chunks, which have so many bytes together. */
export type JoinChunks = (chunks: readonly Uint8Array[], length: number) => Uint8Array | Promise<Uint8Array>

/**
 * Reads an answer's whole body, and gives up at once when it grows past `limitBytes`.
 *
 * @throws {CloudError} `cloud-bad-response` for a body that is too long or is cut off
 * @throws the signal's reason when the fetch was aborted
 */
export async function readBody(
  response: Response,
  options: { readonly limitBytes: number; readonly signal: AbortSignal; readonly join?: JoinChunks | undefined },
): Promise<Uint8Array> {
  const { limitBytes, signal, join = joinChunks } = options
  const { status } = response
  const tooLong = () =>
    new CloudError('cloud-bad-response', `The endpoint's answer is longer than ${limitBytes} bytes.`, {
      context: { status, limitBytes },
    })
  if (Number(response.headers.get('Content-Length')) > limitBytes) {
    await response.body?.cancel().catch(() => {})
    throw tooLong()
  }
  if (response.body === null) return new Uint8Array()
  const reader = response.body.getReader()
  // A body that is not fetch's own does not know the signal.
  const stop = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      signal.throwIfAborted()
      if (done) break
      length += value.length
      if (length > limitBytes) throw tooLong()
      chunks.push(value)
    }
  } catch (cause) {
    await reader.cancel().catch(() => {})
    signal.throwIfAborted()
    if (cause instanceof CloudError) throw cause
    throw new CloudError('cloud-bad-response', "The endpoint's answer was cut off on its way.", {
      cause,
      context: { status },
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return join(chunks, length)
}

/** One chunk is the body; several are copied once. */
function joinChunks(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined && first.byteOffset % 8 === 0) return first
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

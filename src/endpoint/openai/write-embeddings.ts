import { setImmediate } from 'node:timers/promises'

/** Numbers that are written before others get their turn. */
const turnNumbers = 8192

/**
 * The answer of the OpenAI API for these vectors, as JSON.
 *
 * @param options.format `base64` is of little-endian float32
 */
export async function writeEmbeddings(
  vectors: readonly Float32Array[],
  options: { readonly model: string; readonly tokens: number; readonly format: 'float' | 'base64' },
): Promise<Uint8Array<ArrayBuffer>> {
  const { model, tokens, format } = options
  const usage = { prompt_tokens: tokens, total_tokens: tokens }
  const parts: Uint8Array[] = []
  const write = (text: string) => parts.push(Buffer.from(text))
  write('{"object":"list","data":[')
  let written = 0
  for (const [index, vector] of vectors.entries()) {
    const embedding = format === 'float' ? Array.from(vector) : toBase64(vector)
    write(`${index === 0 ? '' : ','}${JSON.stringify({ object: 'embedding', index, embedding })}`)
    written += vector.length
    if (written < turnNumbers) continue
    written = 0
    await setImmediate()
  }
  write(`],${JSON.stringify({ model, usage }).slice(1)}`)
  return new Uint8Array(Buffer.concat(parts))
}

const toBase64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64')

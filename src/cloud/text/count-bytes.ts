import type { SendRequest } from '../cloud-request.ts'
import { readBody } from '../read-body.ts'
import type { TextServerOptions } from './text-server.ts'

/**
 * Has the bytes of bodies counted: each time that one is sent, and what is read of an answer. A stream that is read as it
 * comes is counted by its reader, as some of it may never come.
 *
 * @param open makes what sends, by this fetch
 */
export function countBytes(
  { fetch = globalThis.fetch, onBytes }: Pick<TextServerOptions, 'fetch' | 'onBytes'>,
  open: (fetch: typeof globalThis.fetch) => SendRequest,
): SendRequest {
  if (onBytes === undefined) return open((...args) => fetch(...args))
  const send = open((input, init) => {
    if (ArrayBuffer.isView(init?.body)) onBytes(init.body.byteLength)
    return fetch(input, init)
  })
  return (request) =>
    send({
      ...request,
      async read(...args) {
        const bytes = await (request.read ?? readBody)(...args)
        onBytes(bytes.byteLength)
        return bytes
      },
    })
}

import { openSideThread, scriptBeside } from '../../threads/side-thread.ts'
import { parseRequest, type RequestKind, type RequestMethods } from './request-methods.ts'
import type { WritingRequest } from './to-task.ts'

/** Bytes that are read in a few milliseconds, whatever is in them. */
const lightBytes = 64 * 1024
const limitMs = 30_000

/** Reads requests without holding up the event loop: a thread reads the large ones. */
export function openRequestReader(onFault: (cause: unknown) => void): {
  /** @param body its memory is given away @throws {ValidationError} `options-invalid` */
  read(kind: RequestKind, body: Uint8Array<ArrayBuffer>): Promise<WritingRequest>
  close(): Promise<void>
} {
  const thread = openSideThread<RequestMethods>(scriptBeside('request-worker', import.meta.url), { onFault })
  return {
    async read(kind, body) {
      if (body.length <= lightBytes) return parseRequest(kind, body)
      const bytes = new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
      return thread.call('parse', [kind, bytes], { transfer: [bytes.buffer], limitMs })
    },
    close: thread.close,
  }
}

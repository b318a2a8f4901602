import { serveThread } from '../endpoint/threads/serve-thread.ts'
import { ValidationError } from '../errors/validation-error.ts'

const methods = {
  double: (bytes: Uint8Array<ArrayBuffer>) => {
    const value = bytes.map((byte) => 2 * byte)
    return { value, transfer: [value.buffer] }
  },
  refuse: (): never => {
    throw new ValidationError('text-empty', 'A text is empty.')
  },
  /** Takes memory until there is none. */
  fill: () => {
    const all: unknown[] = []
    for (;;) all.push(Array.from({ length: 1000 }, () => ({})))
  },
  spin: (): never => {
    for (;;);
  },
}
export type SideThreadMethods = typeof methods

serveThread(methods)

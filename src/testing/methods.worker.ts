// A worker whose methods try what a worker can do to its callers.
import { handOver } from '../utils/calls/hand-over.ts'
import { servePage } from '../utils/calls/serve-page.ts'

export interface TriedMethods {
  double(numbers: Float32Array): Promise<Float32Array>
  never(): Promise<never>
  /** Aborted, it answers with how often it was. */
  wait(options: { readonly signal: AbortSignal }): Promise<never>
  aborts(): Promise<number>
  count(upTo: number, onCount: (count: number) => void): Promise<void>
  /** Throws where nothing catches it. */
  crash(): Promise<void>
  /** Leaves a rejection that nothing handles. */
  forget(): Promise<void>
  /** Gets a message that can't be read. */
  misread(): Promise<void>
}

let aborts = 0
const methods: TriedMethods = {
  async double(numbers) {
    const doubled = numbers.map((value) => 2 * value)
    return handOver(doubled, [doubled.buffer])
  },
  never: () => new Promise(() => {}),
  wait: ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborts += 1
        reject(signal.reason)
      })
    }),
  aborts: async () => aborts,
  async count(upTo, onCount) {
    for (let count = 1; count <= upTo; count += 1) setTimeout(() => onCount(count), 20 * count)
  },
  async crash() {
    setTimeout(() => {
      throw new Error('a fault of the test')
    })
  },
  async forget() {
    void Promise.reject(new Error('forgotten by the test'))
  },
  async misread() {
    setTimeout(() => globalThis.dispatchEvent(new MessageEvent('messageerror')))
  },
}

servePage(methods)

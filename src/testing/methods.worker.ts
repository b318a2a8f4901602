// A worker whose methods try what messages can carry.
import { ModelError } from '../errors/model-error.ts'
import { handOver } from '../utils/hand-over.ts'
import { exposeMethods } from '../utils/worker-methods.ts'

export type TriedMethods = {
  double(numbers: Float32Array): Promise<Float32Array>
  fail(): Promise<never>
  unsendable(): Promise<() => void>
  never(): Promise<never>
  count(upTo: number, tell: (count: number) => void): Promise<void>
}

const methods: TriedMethods = {
  async double(numbers) {
    const doubled = numbers.map((value) => 2 * value)
    return handOver(doubled, [doubled.buffer])
  },
  async fail() {
    throw new ModelError('model-load-failed', 'It was told to.', { context: { backend: 'wasm' } })
  },
  unsendable: async () => () => {},
  never: () => new Promise(() => {}),
  async count(upTo, tell) {
    for (let count = 1; count <= upTo; count += 1) setTimeout(() => tell(count), 20 * count)
  },
}

exposeMethods(methods)

import {
  type Client,
  type ClientOptions,
  createClient,
  type GenerateInput,
  type GenerateOptions,
  isHitherError,
  type RunOptions,
  Tensor,
  type WritingPart,
  type WritingResult,
} from 'hither'
import { createSmoke } from './smoke.ts'

/** What a test asks of the page: errors come back as their name and code. */
const hither = {
  Tensor,
  client: undefined as Client | undefined,
  open(options: ClientOptions): void {
    this.client = createClient(options)
  },
  async settle<T>(work: (client: Client, tensor: typeof Tensor) => Promise<T>): Promise<T | { error: string[] }> {
    if (this.client === undefined) throw new Error('no client')
    try {
      return await work(this.client, Tensor)
    } catch (error) {
      if (!isHitherError(error)) return { error: [error instanceof Error ? error.name : String(error)] }
      const attempts = 'attempts' in error && Array.isArray(error.attempts) ? error.attempts : []
      return { error: [error.name, error.code, error.message, ...attempts.map((attempt) => String(attempt.code))] }
    }
  },
  /** Runs a model of one float32 input `x` filled with 0.5. */
  run(model: string, dims: number[], options?: RunOptions) {
    const size = dims.reduce((product, dim) => product * dim, 1)
    return this.settle(async (client) => {
      const x = new Tensor('float32', new Float32Array(size).fill(0.5), dims)
      const { outputs, route } = await client.run(model, { x }, options)
      return { first: Number(outputs.y?.data[0]), route }
    })
  },
  /** The text that was begun last: its parts so far, and its end. */
  parts: [] as WritingPart[],
  written: undefined as Promise<WritingResult | { error: string[] }> | undefined,
  aborts: new AbortController(),
  /** Begins a text. */
  begin(model: string, input: GenerateInput, options: Omit<GenerateOptions, 'signal'> = {}): void {
    this.parts = []
    this.aborts = new AbortController()
    this.written = this.settle(async (client) => {
      const writing = client.generate(model, input, { ...options, signal: this.aborts.signal })
      for await (const part of writing) this.parts.push(part)
      return writing.done
    })
  },
}
const smoke = createSmoke(() => {
  if (hither.client === undefined) throw new Error('no client')
  return hither.client
})
export type Hither = typeof hither
Object.assign(globalThis, { hither: Object.assign(hither, { smoke }) })

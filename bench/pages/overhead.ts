import { type Backend, type Client, createClient, type TensorMap, type TensorType } from 'hither'
import { startApproved } from '../../src/utils/trusted-scripts.ts'
import { askWorker } from './calls.ts'

/** Every contender gets the very same inputs: plain tensors. */
type Run = (inputs: TensorMap) => Promise<TensorMap>
export interface Spec {
  readonly name: string
  readonly type: TensorType
  readonly dims: readonly number[]
}

const closers: (() => unknown)[] = []

/** The same numbers for every contender: noise from a fixed seed. */
function noise({ type, dims }: Spec): TensorMap[string] {
  const size = dims.reduce((product, dim) => product * dim, 1)
  let seed = 1
  const next = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const data =
    type === 'uint8' ? Uint8Array.from({ length: size }, () => next() * 255) : Float32Array.from({ length: size }, next)
  return { type, dims, data }
}
const inputsOf = (specs: readonly Spec[]): TensorMap =>
  Object.fromEntries(specs.map((spec) => [spec.name, noise(spec)]))
const buffersOf = (inputs: TensorMap) =>
  Object.values(inputs).map(({ data }) => (data as Float32Array).buffer as ArrayBuffer)

function openPeer(worker: Worker, transfer: boolean) {
  const ask = askWorker(worker)
  closers.push(() => worker.terminate())
  const run: Run = (inputs) => ask({ run: inputs }, transfer ? buffersOf(inputs) : [])
  return { ask, run }
}

const openers = {
  async hither(model: string, threads: number, transfer: boolean): Promise<Run> {
    const client = createClient({ runtime: { backends: ['wasm'], threads, shareTabs: false } })
    closers.push(() => client.close())
    await client.prepare(model)
    return async (inputs) => {
      const { outputs } = await client.run(model, inputs, { privacy: 'edge-only', transfer })
      return outputs as TensorMap
    }
  },
  async raw(model: string, threads: number, transfer: boolean): Promise<Run> {
    const { ask, run } = openPeer(
      startApproved(() => new Worker(new URL('./raw.worker.ts', import.meta.url), { type: 'module' })),
      transfer,
    )
    await ask({ load: `/models/${model}/1/model.onnx`, threads, provider: 'wasm' })
    return run
  },
  async transformers(model: string, _: number, transfer: boolean): Promise<Run> {
    const { ask, run } = openPeer(
      startApproved(() => new Worker(new URL('./transformers.worker.ts', import.meta.url), { type: 'module' })),
      transfer,
    )
    await ask({ load: model })
    return run
  },
}
type Contender = keyof typeof openers

const worstDifference = (a: TensorMap, b: TensorMap): number =>
  Math.max(
    ...Object.entries(a).flatMap(([name, { data }]) =>
      Array.from(data as Float32Array, (value, index) =>
        Math.abs(value - ((b[name]?.data as Float32Array | undefined)?.[index] ?? Number.NaN)),
      ),
    ),
  )

let client: Client | undefined
const memoryNow = async () =>
  (
    await (
      performance as Performance & { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
    ).measureUserAgentSpecificMemory()
  ).bytes

const bench = {
  /** Milliseconds of each request of each contender, interleaved: each one has its turn at being first. */
  async compare(
    contenders: readonly Contender[],
    model: string,
    specs: readonly Spec[],
    options: { readonly runs: number; readonly threads: number; readonly transfer: boolean },
  ) {
    const { runs, threads, transfer } = options
    const opened: { readonly name: Contender; readonly run: Run; readonly times: number[] }[] = []
    for (const name of contenders) opened.push({ name, run: await openers[name](model, threads, transfer), times: [] })
    const given = inputsOf(specs)
    const fresh = () =>
      transfer
        ? Object.fromEntries(
            Object.entries(given).map(([name, tensor]) => [
              name,
              { ...tensor, data: (tensor.data as Float32Array).slice() },
            ]),
          )
        : given
    const warmups = 5
    let difference = 0
    for (let round = -warmups; round < runs; round += 1) {
      const answers: TensorMap[] = []
      for (let turn = 0; turn < opened.length; turn += 1) {
        const contender = opened[(turn + round + warmups) % opened.length]
        if (contender === undefined) continue
        const inputs = fresh()
        const startedAt = performance.now()
        const answer = await contender.run(inputs)
        if (round >= 0) contender.times.push(performance.now() - startedAt)
        answers.push(answer)
      }
      const [first] = answers
      if (round === 0 && first) difference = Math.max(...answers.map((answer) => worstDifference(first, answer)))
    }
    for (const close of closers.splice(0)) await close()
    return { times: Object.fromEntries(opened.map(({ name, times }) => [name, times])), difference }
  },

  /** Times of one model by a client of these backends, once it has settled. */
  async timesOn(backends: readonly Backend[] | undefined, model: string, specs: readonly Spec[], runs: number) {
    const own = createClient({ runtime: { shareTabs: false, ...(backends ? { backends } : {}) } })
    const inputs = inputsOf(specs)
    await own.prepare(model)
    // Whatever the engine tries while nothing runs, it has tried.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const times: number[] = []
    let backend: Backend | undefined
    for (let run = -1; run < runs; run += 1) {
      const startedAt = performance.now()
      backend = (await own.run(model, inputs, { privacy: 'edge-only' })).route.backend
      if (run >= 0) times.push(performance.now() - startedAt)
    }
    const { backends: measured } = own.device()
    await own.close()
    return { times, backend, measured }
  },

  open(options: Parameters<typeof createClient>[0]) {
    client = createClient(options)
  },
  async run(model: string, specs: readonly Spec[], times: number) {
    const inputs = inputsOf(specs)
    for (let run = 0; run < times; run += 1) await client?.run(model, inputs, { privacy: 'edge-only' })
  },
  memory: memoryNow,
  /** Loads each of these models in turn: their budget holds one, so that loading one unloads the other. */
  async loadInTurn(models: readonly string[], times: number) {
    for (let turn = 0; turn < times; turn += 1) {
      for (const model of models) await client?.prepare(model)
    }
  },
  /** Runs in one go; resolves to how many were answered, and when the last one was, by the wall clock. */
  async runAll(model: string, specs: readonly Spec[], count: number) {
    const answers = await Promise.all(
      Array.from({ length: count }, () => client?.run(model, inputsOf(specs), { privacy: 'edge-only' })),
    )
    return { answered: answers.filter((answer) => answer !== undefined).length, atMs: Date.now() }
  },
}
export type OverheadPage = typeof bench
Object.assign(globalThis, { hitherBench: bench })

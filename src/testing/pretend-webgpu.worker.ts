// The edge worker in a browser without a graphics adapter, with a backend in WebGPU's place: what is loaded on WebGPU
// runs on WASM, in WebGPU's own build of the runtime. A message `{ answersTimes }` makes that backend answer wrongly,
// by this factor; `{ refuses: true }` makes its runs fail.
import '../edge/worker/edge.worker.ts'

interface Pretended {
  readonly data: Float32Array
}
interface Session {
  run(...given: unknown[]): Promise<Record<string, Pretended>>
}
interface SessionClass {
  create(graph: unknown, options: { readonly executionProviders: readonly unknown[] }): Promise<Session>
}

let answersTimes = 1
let refuses = false
globalThis.addEventListener(
  'message',
  ({ data }: MessageEvent<{ answersTimes?: number; refuses?: boolean } | undefined>) => {
    answersTimes = data?.answersTimes ?? answersTimes
    refuses = data?.refuses ?? refuses
  },
)

for (const { InferenceSession } of [await import('onnxruntime-web/jspi'), await import('onnxruntime-web/webgpu')]) {
  const sessions = InferenceSession as unknown as SessionClass
  const create = sessions.create.bind(sessions)
  sessions.create = async (graph, options) => {
    const isPretended = options.executionProviders.includes('webgpu')
    const session = await create(graph, {
      ...options,
      ...(isPretended ? { executionProviders: ['wasm'], preferredOutputLocation: {} } : {}),
    })
    if (!isPretended) return session
    const run = session.run.bind(session)
    session.run = async (...given) => {
      if (refuses) throw new Error('a kernel of the test failed')
      const outputs = await run(...given)
      for (const { data } of Object.values(outputs)) {
        if (answersTimes !== 1) for (const [at, value] of data.entries()) data[at] = value * answersTimes
      }
      return outputs
    }
    return session
  }
}

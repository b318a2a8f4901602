// onnxruntime-web as it is, in a worker: the same build that Hither loads for WASM.
import * as ort from 'onnxruntime-web/wasm'
import { answerPage, type PlainTensors, toPlain } from './calls.ts'

type Message =
  | { readonly load: string; readonly threads: number; readonly provider: string }
  | { readonly run: PlainTensors }
let session: ort.InferenceSession | undefined

answerPage<Message>(async (message) => {
  if ('load' in message) {
    ort.env.wasm.numThreads = message.threads
    ort.env.wasm.wasmPaths = {
      mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url).href,
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url).href,
    }
    session = await ort.InferenceSession.create(message.load, { executionProviders: [message.provider] })
    return { value: true }
  }
  const feeds = Object.fromEntries(
    Object.entries(message.run).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]),
  )
  if (session === undefined) throw new Error('not loaded')
  return toPlain(await session.run(feeds))
})

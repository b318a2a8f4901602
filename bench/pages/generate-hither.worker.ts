// The loop of src/generation over onnxruntime-web's WASM build, in a worker.
import * as ort from 'onnxruntime-web/wasm'
import { createDecoder, type Decoder } from '../../src/generation/decoder/create-decoder.ts'
import { createRememberedPrefixes } from '../../src/generation/decoder/remembered-prefixes.ts'
import { greedy } from '../../src/generation/sampling/sampling.ts'
import { writeTokens } from '../../src/generation/write-tokens.ts'
import { serveWriter } from './writer-worker.ts'

const files = { q8: 'onnx/model_quantized.onnx', q4: 'onnx/model_q4.onnx' } as const
const contextTokens = 2_048
const prefixes = createRememberedPrefixes(256 * 1024 * 1024)
let decoder: Decoder | undefined

/** Lets messages in, abort's among them: a turn of the event loop without the 4 ms of a nested timeout. */
const channel = new MessageChannel()
const pause = () =>
  new Promise<void>((resolve) => {
    channel.port1.onmessage = () => resolve()
    channel.port2.postMessage(undefined)
  })

serveWriter({
  async open({ model, precision, threads }) {
    ort.env.wasm.numThreads = threads
    ort.env.wasm.wasmPaths = {
      mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url).href,
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url).href,
    }
    const session = await ort.InferenceSession.create(`${model}/${files[precision]}`, { executionProviders: ['wasm'] })
    const made = createDecoder(session, ort.Tensor)
    if (typeof made === 'string') throw new Error(made)
    decoder = made
  },
  async write({ ids: prompt }, maxTokens, { remembers, signal, onToken }) {
    if (decoder === undefined) throw new Error('not open')
    const own = remembers ? prefixes : createRememberedPrefixes(0)
    const ends: ReadonlySet<number> = new Set()
    const options = { decoder, prefixes: own, prompt, sampling: greedy, ends, maxTokens, contextTokens, signal, pause }
    for await (const id of writeTokens(options)) onToken(id)
  },
})

// wllama (llama.cpp in WebAssembly), which starts a worker by itself, on the processor only.
import { LoggerWithoutDebug, Wllama } from '@wllama/wllama'
import wasm from '@wllama/wllama/esm/wasm/wllama.wasm?url'
import { tellTextWriter } from './text-writer.ts'

let wllama: Wllama | undefined

tellTextWriter({
  async open({ model, threads }) {
    wllama = new Wllama({ default: wasm }, { suppressNativeLog: true, logger: LoggerWithoutDebug as never })
    const bytes = await (await fetch(model)).blob()
    await wllama.loadModel([bytes], { n_ctx: 2_048, n_threads: threads, n_gpu_layers: 0, warmup: false })
    if (wllama.getNumThreads() !== threads) throw new Error(`it has ${wllama.getNumThreads()} threads`)
  },
  async write({ text }, tokens, { remembers, signal, onToken }) {
    if (wllama === undefined) throw new Error('not open')
    const chunks = await wllama.createCompletion({
      prompt: text,
      max_tokens: tokens,
      temperature: 0,
      ignore_eos: true,
      stream: true,
      abortSignal: signal,
      ...{ cache_prompt: remembers },
    })
    // Each chunk is a token; which one it does not say.
    for await (const { choices } of chunks) if (choices[0]?.finish_reason === null) onToken(-1)
  },
})

// Transformers.js in a worker, as its documentation advises, on WASM.
import { AutoModelForCausalLM, env, InterruptableStoppingCriteria, Tensor } from '@huggingface/transformers'
import { setOwnOrigin } from './open-transformers.ts'
import { serveWriter } from './writer-worker.ts'

type Model = Awaited<ReturnType<typeof AutoModelForCausalLM.from_pretrained>>
let model: Model | undefined

serveWriter({
  async open({ model: name, precision, threads }) {
    const { wasm } = setOwnOrigin()
    wasm.numThreads = threads
    env.useWasmCache = false
    env.useBrowserCache = false
    model = await AutoModelForCausalLM.from_pretrained(name, {
      dtype: precision,
      device: 'wasm',
      local_files_only: true,
    })
  },
  async write({ ids: prompt }, tokens, { signal, onToken }) {
    if (model === undefined) throw new Error('not open')
    const dims = [1, prompt.length]
    const stopping = new InterruptableStoppingCriteria()
    signal.addEventListener('abort', () => stopping.interrupt())
    let given = 0
    const streamer = {
      put([ids = []]: readonly (readonly bigint[])[]) {
        given += 1
        // The first that it is given is the prompt.
        if (given > 1) for (const id of ids) onToken(Number(id))
      },
      end() {},
    }
    await model.generate({
      inputs: new Tensor('int64', BigInt64Array.from(prompt, BigInt), dims),
      attention_mask: new Tensor('int64', new BigInt64Array(prompt.length).fill(1n), dims),
      max_new_tokens: tokens,
      do_sample: false,
      eos_token_id: null,
      streamer: streamer as never,
      stopping_criteria: stopping as never,
    } as never)
  },
})

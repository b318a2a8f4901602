import { AutoModel, env, Tensor } from '@huggingface/transformers'
import type { PlainTensors } from './calls.ts'

/** Lets Transformers.js take its files from our origin instead of from a network that is not there. */
export function setOwnOrigin() {
  const folder = new URL('/assets/transformers/', location.origin).href
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = folder
  const { wasm } = env.backends.onnx as { wasm: { wasmPaths: object; numThreads: number } }
  wasm.wasmPaths = {
    mjs: `${folder}ort-wasm-simd-threaded.asyncify.mjs`,
    wasm: `${folder}ort-wasm-simd-threaded.asyncify.wasm`,
  }
  return { wasm }
}

/** Transformers.js with its defaults, but for where its files come from. */
export async function openTransformers(model: string, options: { readonly wasmCache: boolean }) {
  setOwnOrigin()
  env.useWasmCache = options.wasmCache
  const loaded = await AutoModel.from_pretrained(model, { dtype: 'fp32', device: 'wasm', local_files_only: true })
  return async (inputs: PlainTensors): Promise<Record<string, Tensor>> => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, { type, data, dims }]) => [
        name,
        new Tensor(type as 'float32', data as never, [...dims]),
      ]),
    )
    return (await loaded(tensors)) as Record<string, Tensor>
  }
}

import { AutoModel, env, Tensor } from '@huggingface/transformers'
import type { PlainTensors } from './calls.ts'

/** Transformers.js with its defaults, its files from our origin instead of from a network that is not there. */
export async function openTransformers(model: string, options: { readonly wasmCache: boolean }) {
  const folder = new URL('/assets/transformers/', location.origin).href
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = folder
  env.useWasmCache = options.wasmCache
  const { wasm } = env.backends.onnx as { wasm: { wasmPaths: object } }
  wasm.wasmPaths = {
    mjs: `${folder}ort-wasm-simd-threaded.asyncify.mjs`,
    wasm: `${folder}ort-wasm-simd-threaded.asyncify.wasm`,
  }
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

import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { RuntimeFlavor } from '../worker-types.ts'

/** The part of onnxruntime-web that the worker uses: the same face in each of its builds. */
export interface Runtime {
  readonly InferenceSession: typeof InferenceSession
  readonly Tensor: typeof Tensor
  readonly env: {
    readonly wasm: { numThreads?: number; proxy?: boolean; wasmPaths?: unknown }
    readonly webgpu: { readonly device?: Promise<GPUDevice> }
  }
}

/** A build of onnxruntime-web, its two files, and how its script is loaded. */
interface RuntimeBuild {
  readonly load: () => Promise<unknown>
  readonly files: { readonly mjs: URL; readonly wasm: URL }
}

/** The addresses stand as literals so that bundlers find the files and give them names of their own. */
const builds: Record<RuntimeFlavor, RuntimeBuild> = {
  wasm: {
    load: () => import('onnxruntime-web/wasm'),
    files: {
      mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url),
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url),
    },
  },
  jspi: {
    load: () => import('onnxruntime-web/jspi'),
    files: {
      mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs', import.meta.url),
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm', import.meta.url),
    },
  },
  asyncify: {
    load: () => import('onnxruntime-web/webgpu'),
    files: {
      mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url),
      wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url),
    },
  },
}

/**
 * Loads one build of onnxruntime-web. Its thread count is settled here: a runtime keeps it until its worker ends.
 *
 * @returns the runtime and the addresses of the files it fetched
 */
export async function openRuntime(
  flavor: RuntimeFlavor,
  threads: number,
): Promise<{ readonly runtime: Runtime; readonly files: readonly string[] }> {
  const { load, files } = builds[flavor]
  const runtime = (await load()) as Runtime
  runtime.env.wasm.numThreads = threads
  runtime.env.wasm.proxy = false
  runtime.env.wasm.wasmPaths = { mjs: files.mjs.href, wasm: files.wasm.href }
  return { runtime, files: [files.mjs.href, files.wasm.href] }
}

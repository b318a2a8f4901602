import { fileURLToPath } from 'node:url'
import { freePort } from '../../src/testing/free-port.ts'
import { type Environment, openEnvironment, run, startServer, versionOf } from '../support/python.ts'
import type { ServedTexts } from './served-texts.ts'

const hub = fileURLToPath(new URL('../../.cache/interop-hub/', import.meta.url))
const toHub = fileURLToPath(new URL('../servers/smollm2_to_hub.py', import.meta.url))
/** Their servers compute as ours does: with plain numbers, on one thread. Nothing is looked for on the hub. */
const computing = { OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1', HF_HUB_CACHE: hub }

/** A server of OpenAI's API that none of us wrote, with SmolLM2. */
export interface StockTextServer {
  readonly url: string
  readonly model: string
  readonly version: string
  /** It reads prompts of any length, beyond what the model was made for, too. */
  readonly isUnlimited?: boolean
  stop(): Promise<void>
}

/**
 * The server that comes with llama.cpp's Python bindings, with the GGUF file itself. It writes one answer at a time; by
 * default a new request would end the one that is being written, which is switched off.
 *
 * @param options.threads that compute
 */
export async function startLlama(
  gguf: string,
  { threads = 1, contextTokens = 2_048 }: { readonly threads?: number; readonly contextTokens?: number } = {},
): Promise<StockTextServer> {
  // It is compiled, without what reads pictures: that would be a third of the work.
  const environment = await openEnvironment('llama', { CMAKE_ARGS: '-DLLAVA_BUILD=OFF', ...process.env })
  const port = await freePort()
  const model = 'smollm2'
  const args = {
    model: gguf,
    model_alias: model,
    host: '127.0.0.1',
    port,
    n_ctx: contextTokens,
    n_threads: threads,
    n_threads_batch: threads,
    interrupt_requests: 'False',
    verbose: 'False',
  }
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)])
  const url = `http://127.0.0.1:${port}`
  const { stop } = await startServer(environment.python, ['-m', 'llama_cpp.server', ...flags], {
    env: {},
    readyUrl: `${url}/v1/models`,
    withinMs: 600_000,
  })
  return {
    url,
    model,
    version: `llama-cpp-python ${await versionOf(environment, 'llama-cpp-python')}`,
    stop,
  }
}

/** SmolLM2 as the hub has models, by its file's own numbers. @returns the folder with its files */
async function toHubFolder({ python }: Environment, { gguf, folder }: ServedTexts): Promise<string> {
  const repository = `${hub}models--smollm2`
  return (await run(python, [toHub, gguf, folder, repository], computing)).trim()
}

/** `transformers serve`, which is given the model's name alone. */
export async function startTransformers(served: ServedTexts): Promise<StockTextServer> {
  const environment = await openEnvironment('torch')
  await toHubFolder(environment, served)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const model = 'smollm2'
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--device', 'cpu', '--dtype', 'float32']
  const { stop } = await startServer(
    environment.python,
    ['-m', 'transformers.cli.transformers', 'serve', model, ...flags],
    { env: computing, readyUrl: `${url}/health`, withinMs: 600_000 },
  )
  const version = `transformers ${await versionOf(environment, 'transformers')}`
  return { url, model, version, isUnlimited: true, stop }
}

/** vLLM on the CPU. */
export async function startVllm(served: ServedTexts): Promise<StockTextServer> {
  const environment = await openEnvironment('torch')
  const folder = await toHubFolder(environment, served)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const model = 'smollm2'
  const flags = {
    model: folder,
    'served-model-name': model,
    host: '127.0.0.1',
    port,
    dtype: 'float32',
    'max-model-len': 2_048,
  }
  const { stop } = await startServer(
    environment.python,
    [
      ...['-m', 'vllm.entrypoints.openai.api_server', '--enforce-eager'],
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
    // A gigabyte for keys and values.
    { env: { ...computing, VLLM_CPU_KVCACHE_SPACE: '1' }, readyUrl: `${url}/health`, withinMs: 600_000 },
  )
  return { url, model, version: `vLLM ${await versionOf(environment, 'vllm-cpu')} (vllm-cpu)`, stop }
}

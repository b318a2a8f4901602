import { freePort } from '../../src/testing/free-port.ts'
import { openEnvironment, startServer, versionOf } from '../support/python.ts'

/** A server of OpenAI's API that none of us wrote, with SmolLM2. */
export interface StockTextServer {
  readonly url: string
  readonly model: string
  readonly version: string
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

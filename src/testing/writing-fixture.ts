import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEndpoint, type Endpoint } from '../endpoint/create-endpoint.ts'
import type { EndpointOptions } from '../endpoint/plugin/endpoint-options.ts'
import { buildThreadScript } from './build-infer-worker.ts'
import { type WriterFolder, writeWriter } from './write-writer.ts'

/** Endpoints over a folder of language models. */
export interface WritingFixture {
  readonly modelsDir: string
  open(options?: Partial<EndpointOptions>): Promise<Endpoint>
  /** Holds all runs of these endpoints' threads, before they begin. */
  hold(): Promise<void>
  letGo(): Promise<void>
  /** Makes the threads die in their next runs, until it is called with false. */
  die(value: boolean): Promise<void>
  /** Runs so far. */
  runs(): Promise<number>
  /** The threads' script. */
  readonly script: URL
  close(): Promise<void>
}

/** Writes language models into a folder. */
export async function openWritingFixture(models: readonly WriterFolder[]): Promise<WritingFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'hither-writing-'))
  const modelsDir = join(dir, 'models')
  for (const model of models) await writeWriter(modelsDir, model)
  const { url: script, remove } = await buildThreadScript(new URL('./writing-worker-under-test.ts', import.meta.url))
  process.env.HITHER_WRITING_TEST = dir
  const endpoints: Endpoint[] = []
  const put = (name: string) => writeFile(join(dir, name), '')
  const take = (name: string) => rm(join(dir, name), { force: true })
  return {
    modelsDir,
    script,
    async open(options = {}) {
      // Requests for these models alone need no thread for others; one there must be.
      const workerUrl = new URL('./idle-thread.mjs', import.meta.url)
      const usual = { modelsDir, workers: 1, workerUrl, writingWorkerUrl: script, logger: false } as const
      const endpoint = await createEndpoint({ ...usual, ...options })
      endpoints.push(endpoint)
      return endpoint
    },
    hold: () => put('hold'),
    letGo: () => take('hold'),
    die: (value) => (value ? put('die') : take('die')),
    runs: async () => (await readFile(join(dir, 'runs'), 'utf8').catch(() => '')).length,
    async close() {
      await take('hold')
      for (const endpoint of endpoints) await endpoint.close()
      await remove()
      await rm(dir, { recursive: true })
    },
  }
}

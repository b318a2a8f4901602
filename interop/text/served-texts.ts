import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type BenchServer, startGateway, startServer } from '../../bench/endpoint/server.ts'
import { addSmollm2 } from '../../bench/generate/add-smollm2.ts'
import { writeTinyEmbedder } from '../../src/testing/tiny-embedder.ts'
import { writeCallingModel } from './calling-model.ts'

const modelsDir = fileURLToPath(new URL('../../.cache/interop-models/', import.meta.url))

/** The models of our endpoint: SmolLM2 by its file's own numbers, one that asks for a function, one that embeds. */
export const servedModels = { writer: 'smollm2', caller: 'caller', embedder: 'embedder' } as const

/** Our endpoint as it is built, in a process of its own, and what others need to know of it. */
export interface ServedTexts {
  readonly endpoint: BenchServer
  /** SmolLM2's GGUF file, and its folder in the models of the endpoint. */
  readonly gguf: string
  readonly folder: string
}

/** Starts it. The first time, SmolLM2 is converted. */
export async function openServedTexts(say: (line: string) => void): Promise<ServedTexts> {
  const { gguf, folder } = await addSmollm2(modelsDir, { name: servedModels.writer, precision: 'fp32' }, say)
  await writeCallingModel(modelsDir, servedModels.caller)
  await rm(`${modelsDir}${servedModels.embedder}`, { recursive: true, force: true })
  await writeTinyEmbedder(modelsDir, servedModels.embedder, { pooling: 'mean' })
  return { endpoint: await startServer(modelsDir, 1), gguf, folder }
}

/** A gateway before one server or several. */
export const openTextGateway = (urls: readonly string[]): Promise<BenchServer> => startGateway(urls.join(','), 1)

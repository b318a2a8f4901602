import { fileURLToPath } from 'node:url'
import { VERSION } from 'openai/version'
import type { Outcome } from '../checks.ts'
import type { Part, Report } from '../support/part.ts'
import { openEnvironment, run, versionOf } from '../support/python.ts'
import { checkMovedStreams } from './moved-stream.ts'
import { checkOpenAiJs } from './openai-js-checks.ts'
import { openServedTexts, openTextGateway, type ServedTexts, servedModels } from './served-texts.ts'
import { checkTextServer } from './server-checks.ts'
import { openSmollm2Text } from './smollm2-text.ts'
import { type StockTextServer, startLlama } from './text-servers.ts'

const clients = fileURLToPath(new URL('../clients/', import.meta.url))
const group = "OpenAI's clients"

async function checkOpenAiPython(python: string, url: string, counting: string): Promise<readonly Outcome[]> {
  const env = { PYTHONPATH: clients, PYTHONDONTWRITEBYTECODE: '1' }
  const output = await run(python, [`${clients}openai_checks.py`, url, counting, ...Object.values(servedModels)], env)
  return output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Outcome] : []))
}

/** OpenAI's own clients, against our endpoint and against a gateway before it. */
const openAiClients: Part = async ({ add, uses, say }) => {
  const served = await openServedTexts(say)
  const gateway = await openTextGateway([served.endpoint.url]).catch(async (error: unknown) => {
    await served.endpoint.close()
    throw error
  })
  const targets = [
    ['Hither', served.endpoint.url],
    ['gateway → Hither', gateway.url],
  ] as const
  try {
    uses(`openai (JavaScript) ${VERSION}`)
    for (const [name, url] of targets) {
      add(`openai (JavaScript) → ${name}`, await checkOpenAiJs(url, served.endpoint.url), group)
    }
    const environment = await openEnvironment('openai')
    uses(`openai (Python) ${await versionOf(environment, 'openai')}`)
    for (const [name, url] of targets) {
      add(`openai (Python) → ${name}`, await checkOpenAiPython(environment.python, url, served.endpoint.url), group)
    }
  } finally {
    await gateway.close()
    await served.endpoint.close()
  }
}

/** A stock server with the same weights, asked by our client alone and through our gateway. */
async function stockServer(
  name: string,
  start: (served: ServedTexts) => Promise<StockTextServer>,
  { add, uses, say }: Report,
): Promise<void> {
  const served = await openServedTexts(say)
  try {
    const text = await openSmollm2Text(served.folder)
    const server = await start(served)
    try {
      uses(server.version)
      const ours = { url: served.endpoint.url, model: servedModels.writer }
      add(`Node → ${name}`, await checkTextServer(server, ours, text))
      const gateway = await openTextGateway([server.url])
      try {
        add(`Node → gateway → ${name}`, await checkTextServer({ url: gateway.url, model: server.model }, ours, text))
      } finally {
        await gateway.close()
      }
      add(`gateway → Hither and ${name}`, await checkMovedStreams(server, ours, text), name)
    } finally {
      await server.stop()
    }
  } finally {
    await served.endpoint.close()
  }
}

/** Servers and clients of OpenAI's API. */
export const textParts: Readonly<Record<string, Part>> = {
  openai: openAiClients,
  llama: (report) => stockServer('llama', ({ gguf }) => startLlama(gguf), report),
}

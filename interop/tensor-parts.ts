import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Agent, fetch as fetchWith } from 'undici'
import { createCloudArm } from '../src/cloud/create-cloud-arm.ts'
import { createEndpoint } from '../src/endpoint/create-endpoint.ts'
import { openGateway } from '../src/endpoint/gateway/open-gateway.ts'
import { type CheckOptions, type Outcome, runChecks } from './checks.ts'
import { openBrowserPage } from './support/browser.ts'
import { openOwnEndpoint } from './support/own-endpoint.ts'
import type { Part, Report } from './support/part.ts'
import { openEnvironment, run, versionOf } from './support/python.ts'
import { recordAnswers } from './support/record.ts'
import { type ServerName, startRealServer } from './support/servers.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const manifestPath = here('../packages/hither-models/models/digits/1/manifest.json')

const readDigits = async (): Promise<CheckOptions['digits']> => {
  const { canary, tolerance } = JSON.parse(await readFile(manifestPath, 'utf8'))
  return {
    image: canary.inputs[0].data,
    probabilities: canary.outputs[0].data,
    tolerance: tolerance.absolute,
  }
}

async function theirClients({ add, uses }: Report): Promise<void> {
  const endpoint = await openOwnEndpoint()
  try {
    const environment = await openEnvironment('kserve')
    const clients = [
      ['tritonclient', 'tritonclient', 'tritonclient_checks.py'],
      ['KServe client', 'kserve', 'kserve_checks.py'],
    ] as const
    for (const [title, distribution, script] of clients) {
      uses(`${title} ${await versionOf(environment, distribution)}`)
      const env = { PYTHONPATH: here('clients'), PYTHONDONTWRITEBYTECODE: '1', DIGITS_MANIFEST: manifestPath }
      const output = await run(environment.python, [here(`clients/${script}`), endpoint.url], env)
      const outcomes = output.split('\n').filter((line) => line.startsWith('{'))
      add(
        `${title} → Hither`,
        outcomes.map((line) => JSON.parse(line) as Outcome),
      )
    }
  } finally {
    await endpoint.close()
  }
}

/**
 * A connection for each request. uvicorn closes a kept one after a failure without a word; a browser then asks once more
 * by itself, and Node does not.
 */
const dispatcher = new Agent({ pipelining: 0 })
const fetch = ((input: string, init: object) =>
  fetchWith(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch

const inNode = (url: string, digits: CheckOptions['digits']) =>
  runChecks({ arm: createCloudArm({ url, fetch }), jsonArm: createCloudArm({ url, fetch, binary: false }), digits })

async function theirServer(name: ServerName, { add, uses, flags }: Report): Promise<void> {
  const digits = await readDigits()
  const server = await startRealServer(name)
  try {
    uses(server.version)
    if (flags.has('--record')) {
      const answers = await recordAnswers(server.url)
      await writeFile(here(`../src/testing/recorded/${name}.json`), `${JSON.stringify(answers, null, 2)}\n`)
    }
    add(`Node → ${name}`, await inNode(server.url, digits))
    const page = await openBrowserPage()
    const gateway = await openGateway({ upstreams: [server.url] })
    const endpoint = await createEndpoint({ ...gateway, allowOrigins: [page.origin], logger: false })
    try {
      const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
      const url = `http://127.0.0.1:${port}`
      add(`Node → gateway → ${name}`, await inNode(url, digits))
      add(`browser → gateway → ${name}`, await page.runChecks(url, digits))
      uses(page.version)
    } finally {
      await page.close()
      await endpoint.close()
    }
  } finally {
    await server.stop()
  }
}

/** Servers and clients of the Open Inference Protocol. */
export const tensorParts: Readonly<Record<string, Part>> = {
  clients: theirClients,
  kserve: (report) => theirServer('kserve', report),
  mlserver: (report) => theirServer('mlserver', report),
  triton: (report) => theirServer('triton', report),
}

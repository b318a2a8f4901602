// npm run interop [-- NAME…] [--record] [--write]: this project's client and endpoint against software that none of us
// wrote. It installs what it needs into .interop/ and skips, with a line, what can't be installed here. With --record
// the servers' answers are written down for the unit tests; with --write the table goes into docs/interop.md.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Agent, fetch as fetchWith } from 'undici'
import { createCloudArm } from '../src/cloud/create-cloud-arm.ts'
import { createEndpoint } from '../src/endpoint/create-endpoint.ts'
import { openGateway } from '../src/endpoint/gateway/open-gateway.ts'
import { type CheckOptions, type Outcome, runChecks } from './checks.ts'
import { openBrowserPage } from './support/browser.ts'
import { openOwnEndpoint } from './support/own-endpoint.ts'
import { openEnvironment, run, versionOf } from './support/python.ts'
import { recordAnswers } from './support/record.ts'
import { type ServerName, startRealServer } from './support/servers.ts'
import { type Column, toMarkdown, writeTable } from './support/table.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const manifestPath = here('../packages/hither-models/models/digits/1/manifest.json')

const args = process.argv.slice(2)
const flags = new Set(args.filter((arg) => arg.startsWith('--')))
const names = args.filter((arg) => !arg.startsWith('--'))
const wanted = (name: string) => names.length === 0 || names.includes(name)
const say = (line: string) => process.stdout.write(`${line}\n`)

const { canary, tolerance } = JSON.parse(await readFile(manifestPath, 'utf8'))
const digits: CheckOptions['digits'] = {
  image: canary.inputs[0].data,
  probabilities: canary.outputs[0].data,
  tolerance: tolerance.absolute,
}
const columns: Column[] = []
const versions: string[] = []
const skipped: string[] = []

const add = (title: string, outcomes: readonly Outcome[]) => {
  columns.push({ title, outcomes })
  for (const { check, result, detail } of outcomes) say(`${title} | ${check} | ${result} | ${detail}`)
}

async function theirClients(): Promise<void> {
  const endpoint = await openOwnEndpoint()
  try {
    const environment = await openEnvironment('kserve')
    const clients = [
      ['tritonclient', 'tritonclient', 'tritonclient_checks.py'],
      ['KServe client', 'kserve', 'kserve_checks.py'],
    ] as const
    for (const [title, distribution, script] of clients) {
      versions.push(`${title} ${await versionOf(environment, distribution)}`)
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

const inNode = (url: string) =>
  runChecks({ arm: createCloudArm({ url, fetch }), jsonArm: createCloudArm({ url, fetch, binary: false }), digits })

async function theirServer(name: ServerName): Promise<void> {
  const server = await startRealServer(name)
  try {
    versions.push(server.version)
    if (flags.has('--record')) {
      const answers = await recordAnswers(server.url)
      await writeFile(here(`../src/testing/recorded/${name}.json`), `${JSON.stringify(answers, null, 2)}\n`)
    }
    add(`Node → ${name}`, await inNode(server.url))
    const page = await openBrowserPage()
    const gateway = await openGateway({ upstreams: [server.url] })
    const endpoint = await createEndpoint({ ...gateway, allowOrigins: [page.origin], logger: false })
    try {
      const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
      const url = `http://127.0.0.1:${port}`
      add(`Node → gateway → ${name}`, await inNode(url))
      add(`browser → gateway → ${name}`, await page.runChecks(url, digits))
      if (!versions.includes(page.version)) versions.push(page.version)
    } finally {
      await page.close()
      await endpoint.close()
    }
  } finally {
    await server.stop()
  }
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  clients: theirClients,
  kserve: () => theirServer('kserve'),
  mlserver: () => theirServer('mlserver'),
  triton: () => theirServer('triton'),
}
for (const [name, part] of Object.entries(parts)) {
  if (!wanted(name)) continue
  try {
    await part()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    skipped.push(`${name}: ${why}`)
    say(`skipped: ${name}: ${why}`)
  }
}
const table = toMarkdown({ columns, versions, skipped })
say(`\n${table}`)
if (flags.has('--write')) await writeTable(here('../docs/interop.md'), table)
process.exitCode = columns.some(({ outcomes }) => outcomes.some(({ result }) => result === 'fails')) ? 1 : 0

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { createEndpoint, openReports } from 'hither-endpoint'
import { build } from 'vite'
import { openReportDatabase } from '../../packages/hither-endpoint/dist/endpoint/reports/database.js'

/** What becomes of a batch: a status instead of an answer, or an answer that is lost after the endpoint counted it. */
export type IntakeFate = number | 'lost' | undefined

export interface SeenBatch {
  /** From 1. */
  readonly number: number
  readonly ids: readonly string[]
  readonly packed: boolean
  /** As they came over the wire. */
  readonly bytes: number
  readonly token: string | undefined
}

/** Builds the outbox page. */
export async function buildOutboxPage() {
  const pageDir = mkdtempSync(join(tmpdir(), 'hither-outbox-page-'))
  const root = fileURLToPath(new URL('../outbox-page', import.meta.url))
  const input = { main: join(root, 'index.html'), 'report-sync': join(root, 'report-sync.ts') }
  const output = { entryFileNames: '[name].js' }
  const rolldownOptions = { input, output }
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: { outDir: pageDir, target: 'es2022', modulePreload: false, rolldownOptions },
  })
  return { pageDir, remove: () => rmSync(pageDir, { recursive: true, force: true }) }
}

/** A real endpoint with its database, behind a server that serves the outbox page and can lose what passes. */
export async function openIntake(pageDir: string) {
  const folder = mkdtempSync(join(tmpdir(), 'hither-intake-'))
  const endpoint = await createEndpoint({
    modelsDir: mkdtempSync(join(folder, 'models-')),
    workers: 1,
    logger: false,
    plugins: [await openReports({ dataDir: join(folder, 'data') })],
  })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const batches: SeenBatch[] = []
  const duplicates: string[] = []
  let atOnce = 0
  let mostAtOnce = 0
  let fate: (batch: SeenBatch) => IntakeFate | Promise<IntakeFate> = () => undefined

  const forward = (path: string, headers: IncomingMessage['headers'], body: Buffer) =>
    new Promise<{ readonly status: number; readonly body: Buffer }>((resolve, reject) => {
      const passed = {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { ...headers, host: `127.0.0.1:${port}` },
      }
      const sent = sendRequest(passed, async (answer) => {
        const chunks: Buffer[] = []
        for await (const chunk of answer) chunks.push(chunk as Buffer)
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) })
      })
      sent.on('error', reject).end(body)
    })

  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const packed = request.headers['content-encoding'] === 'gzip'
    const text = packed ? gunzipSync(body) : body
    const ids = (JSON.parse(text.toString()).reports as { id: string }[]).map(({ id }) => id)
    const token = request.headers.authorization
    const batch = { number: batches.length + 1, ids, packed, bytes: body.length, token }
    batches.push(batch)
    const decided = await fate(batch)
    if (typeof decided === 'number') {
      response.writeHead(decided, { 'Content-Type': 'application/json' }).end('{"error":"as it was told to"}')
      return
    }
    const answer = await forward(request.url ?? '', request.headers, body)
    if (answer.status === 200) duplicates.push(...JSON.parse(answer.body.toString()).duplicates)
    if (decided === 'lost') response.destroy()
    else response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(answer.body)
  }

  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      atOnce += 1
      mostAtOnce = Math.max(mostAtOnce, atOnce)
      take(request, response)
        .catch(() => response.destroy())
        .finally(() => {
          atOnce -= 1
        })
      return
    }
    const name = request.url === '/' ? 'index.html' : (request.url ?? '').slice(1)
    const type = extname(name) === '.js' ? 'text/javascript' : 'text/html'
    try {
      const file = readFileSync(join(pageDir, name))
      response.writeHead(200, { 'Content-Type': type }).end(file)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    /** Every batch that came, in order. */
    batches,
    /** Ids that the endpoint was told of more than once. */
    duplicates,
    /** How many batches were under way at the same time, at most. */
    mostAtOnce: () => mostAtOnce,
    /** From now on, this says what becomes of each batch. */
    decide(next: typeof fate) {
      fate = next
    },
    /** What the database holds: each report's id and when it was, by the endpoint's clock, and the sum of all counts. */
    async counted() {
      const database = await openReportDatabase({ dataDir: join(folder, 'data') })
      const rows = await database.selectFrom('reports').select(['id', 'at_ms']).execute()
      const totals = await database.selectFrom('totals').select('requests').execute()
      await database.destroy()
      const reports = new Map(rows.map(({ id, at_ms }) => [id, at_ms]))
      return { ids: [...reports.keys()], reports, requests: totals.reduce((sum, { requests }) => sum + requests, 0) }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await endpoint.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Intake = Awaited<ReturnType<typeof openIntake>>

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One answer as a real server gave it over the wire: nothing decompressed, nothing read. */
export type RecordedAnswer = {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
} & ({ readonly text: string } | { readonly base64: string })

/** The servers whose answers `npm run interop -- --record` has written down. */
export const recordedServers = ['kserve', 'mlserver', 'triton'] as const
export type RecordedServerName = (typeof recordedServers)[number]

/** Written by hand: how these bytes are framed is up to this server's connection. */
const framing = new Set(['transfer-encoding', 'server'])

/** Gives a real server's answers again, byte by byte, by the name of the question or else by its address. */
export async function openRecordedServer(name: RecordedServerName): Promise<{
  readonly url: string
  readonly answers: Readonly<Record<string, RecordedAnswer>>
  /** Gives this answer to every request for an inference from now on. */
  replay(question: string): void
  close(): void
}> {
  const file = new URL(`./recorded/${name}.json`, import.meta.url)
  const answers = JSON.parse(await readFile(file, 'utf8')) as Record<string, RecordedAnswer>
  let replayed: string | undefined
  const find = (method: string, path: string, type: string): RecordedAnswer | undefined => {
    if (path.endsWith('/infer') && replayed !== undefined) return answers[replayed]
    if (path === '/v2/models/digits/infer') {
      return answers[type === 'application/octet-stream' ? 'inferBinary' : 'inferJson']
    }
    return Object.values(answers).find((answer) => answer.method === method && answer.path === path)
  }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const answer = find(request.method ?? '', request.url ?? '', request.headers['content-type'] ?? '')
      if (answer === undefined) {
        response.writeHead(404).end()
        return
      }
      const headers = Object.entries(answer.headers).filter(([header]) => !framing.has(header))
      const body = 'text' in answer ? Buffer.from(answer.text) : Buffer.from(answer.base64, 'base64')
      response.writeHead(answer.status, Object.fromEntries(headers)).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    replay(question) {
      replayed = question
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

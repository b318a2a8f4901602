import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createUpstreamFetch } from './upstream-fetch.ts'

it('closes though an answer of an upstream never ends', async () => {
  const server = createServer((_, response) => response.write('data: 1\n\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { fetch, close } = createUpstreamFetch(4)
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const rest = answer.text()
  const ended = expect(rest).rejects.toThrow()
  await close()
  await ended
  server.closeAllConnections()
  server.close()
}, 60_000)

import { connect } from 'node:net'
import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { untilHungUp } from './until-hung-up.ts'

it('is aborted at once for a client that went while its request was read', async () => {
  const app = Fastify()
  const aborted = new Promise<boolean>((resolve) => {
    app.get('/', async (_, reply) => {
      await new Promise((gone) => reply.raw.once('close', gone))
      resolve(untilHungUp(reply).aborted)
      return reply.hijack()
    })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.addresses()[0] as { readonly port: number }).port, '127.0.0.1')
  app.server.once('request', () => socket.resetAndDestroy())
  socket.on('error', () => {})
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await aborted).toBe(true)
  await app.close()
})

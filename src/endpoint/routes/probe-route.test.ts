import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { maxProbeBytes, probePath } from '../../protocol/server/capacity.ts'
import { addProbeRoute } from './probe-route.ts'

const post = async (bytes: number, type = 'text/plain') => {
  const app = Fastify()
  await app.register(addProbeRoute)
  return app.inject({ method: 'POST', url: probePath, headers: { 'content-type': type }, payload: Buffer.alloc(bytes) })
}

test('a probe is dropped and answered with its timing; a longer one is refused', async () => {
  const answer = await post(16_384)
  expect(answer.statusCode).toBe(204)
  expect(answer.headers['server-timing']).toMatch(/^total;dur=/)
  expect((await post(maxProbeBytes + 1)).statusCode).toBe(413)
  expect((await post(10, 'application/json')).statusCode).toBe(415)
})

import { expect, it } from 'vitest'
import { textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { openFakeTextServer } from '../../testing/text-servers/fake-text-server.ts'
import { openTextServer } from './open-text-server.ts'
import type { CloudTextPart, CloudWriteRequest } from './text-server.ts'

const messages = [{ role: 'user' as const, content: 'Tell of a fox' }]
const ask: CloudWriteRequest = { model: 'teller', prompt: { messages }, sampling: {}, stops: [], maxTokens: 1_000 }

/** A server, and a network that counts what goes over it. */
async function open() {
  const fake = await openFakeTextServer({ behaviour: textBehaviours.continues })
  const travelled = { sent: 0, accepted: 0 }
  let counted = 0
  const server = openTextServer({
    url: fake.url,
    async fetch(input, init) {
      if (ArrayBuffer.isView(init?.body)) travelled.sent += init.body.byteLength
      const response = await fetch(input, init)
      // What a refusal says is not counted.
      if (!response.ok) return response
      const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(bytes, controller) {
          travelled.accepted += bytes.byteLength
          controller.enqueue(bytes)
        },
      })
      return new Response(response.body?.pipeThrough(counting), response)
    },
    onBytes: (bytes) => {
      counted += bytes
    },
  })
  return { fake, server, travelled, counted: () => counted }
}

it('bytes are counted both ways: of a whole answer, of what is asked about the server, and of probes', async () => {
  const { fake, server, travelled, counted } = await open()
  await server.describe('teller')
  const asked = counted()
  expect(travelled.sent).toBeGreaterThan(0)
  expect(asked).toBe(travelled.sent + travelled.accepted)
  await server.write(ask, { onPart() {} })
  const [body] = fake.asked.slice(-1).map((request) => JSON.stringify(request.body))
  expect(counted() - asked).toBeGreaterThan(2 * (body?.length ?? Number.NaN))
  expect(counted()).toBe(travelled.sent + travelled.accepted)
  await fake.close()
})

it('of an answer that is given up or cut off, what has come by then', async () => {
  for (const fault of ['stall', 'destroy'] as const) {
    const { fake, server, travelled, counted } = await open()
    await server.describe('teller')
    const before = counted()
    fake.fail({ kind: fault, at: 5 })
    const controller = new AbortController()
    const parts: CloudTextPart[] = []
    const writing = server.write(ask, {
      signal: controller.signal,
      onPart(part) {
        parts.push(part)
        if (fault === 'stall' && parts.filter(({ type }) => type === 'text').length === 5) controller.abort()
      },
    })
    await expect(writing).rejects.toThrow()
    // Five events at the least, and the question.
    expect(counted() - before).toBeGreaterThan(5 * 80)
    expect(counted()).toBe(travelled.sent + travelled.accepted)
    await fake.close()
  }
})

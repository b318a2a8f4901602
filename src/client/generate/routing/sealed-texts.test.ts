import { afterEach, expect, it } from 'vitest'
import { createRecitingEdge } from '../../../testing/reciting-edge.ts'
import { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../../testing/text-servers/fake-text-server.ts'
import { createRecital } from '../../../testing/text-servers/recital.ts'
import { openTextWriterFixture, teller } from '../../../testing/text-writer-fixture.ts'

const servers: FakeTextServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})
const recital = createRecital()
async function openServer() {
  const server = await openFakeTextServer({ behaviour: textBehaviours.continues, recital })
  servers.push(server)
  return server
}
const input = { messages: [{ role: 'user' as const, content: 'Tell of a secret' }] }
const keys = async () => ({})

it.each([true, { keys }])(
  'an endpoint to which requests are to be sealed gets no text: this device writes',
  async (sealed) => {
    const server = await openServer()
    const device = createRecitingEdge(recital)
    const { read, writer, closing } = openTextWriterFixture({
      edge: device.edge,
      endpoints: [{ url: server.url, sealed }],
    })
    const { result } = await read(input)
    expect(result.route).toMatchObject({ ran: 'edge' })
    // What dies here goes on here.
    device.fail({ kind: 'dies', at: 5 })
    expect((await read(input)).result.text).toBe(result.text)
    await expect(read(input, { privacy: 'cloud-only' })).rejects.toMatchObject({
      code: 'no-arm',
      message: expect.stringContaining('sealed'),
    })
    expect((await writer.explain(teller, { privacy: 'any', deadlineMs: undefined })).arm).toBe('edge')
    await writer.refresh(teller, 'any')
    expect(server.paths).toEqual([])
    closing.abort()
  },
)

it('an endpoint beside it that is not sealed writes', async () => {
  const [sealed, open] = [await openServer(), await openServer()]
  const endpoints = [{ url: sealed.url, sealed: true }, { url: open.url }]
  const { read, closing } = openTextWriterFixture({ edge: createRecitingEdge(recital).edge, endpoints })
  const { result } = await read(input, { privacy: 'cloud-only' })
  expect(result.route).toMatchObject({ ran: 'cloud', endpoint: open.url })
  expect(sealed.paths).toEqual([])
  closing.abort()
})

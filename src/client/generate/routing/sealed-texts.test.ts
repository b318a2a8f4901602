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

it.each(['first', 'last'])(
  'an endpoint that is named twice, sealed and not, gets no text: the sealed one is named %s',
  async (place) => {
    const server = await openServer()
    // A server's API lies below its address.
    const named = [
      { url: server.url, sealed: true },
      { url: `${server.url}/` },
      { url: `${server.url}/v1`, kind: 'openai' as const },
    ]
    const endpoints = place === 'first' ? named : named.toReversed()
    const { read, closing } = openTextWriterFixture({ edge: createRecitingEdge(recital).edge, endpoints })
    expect((await read(input)).result.route).toMatchObject({ ran: 'edge' })
    await expect(read(input, { privacy: 'cloud-only' })).rejects.toMatchObject({
      code: 'no-arm',
      message: expect.stringContaining('sealed'),
    })
    expect(server.paths).toEqual([])
    closing.abort()
  },
)

it('an answer that was kept before its endpoint was to be sealed does not go on there', async () => {
  const server = await openServer()
  const records = new Map<string, unknown>()
  const open = (sealed: boolean, edgeStatus: 'ready' | 'unavailable') =>
    openTextWriterFixture({
      edge: createRecitingEdge(recital).edge,
      endpoints: [{ url: server.url, sealed }],
      records,
      edgeStatus,
    })
  const whole = (await open(false, 'unavailable').read(input)).result.text
  server.fail({ kind: 'destroy', at: 40 })
  const before = open(false, 'unavailable')
  const cut = await before.read(input, { journal: 'tale' })
  expect(cut.result).toMatchObject({ finishReason: 'cut-off', route: { ran: 'cloud' } })
  expect(cut.result.text).not.toBe('')
  expect(records.has('writing tale')).toBe(true)
  before.closing.abort()
  server.fail(undefined)
  const asked = server.paths.length

  // Nobody else can write: it fails before anything has left.
  const alone = open(true, 'unavailable')
  await expect(alone.read(input, { journal: 'tale' })).rejects.toMatchObject({ code: 'no-arm' })
  alone.closing.abort()
  expect(server.paths.length).toBe(asked)

  const after = open(true, 'ready')
  const { parts, result } = await after.read(input, { journal: 'tale' })
  expect(result.text).toBe(whole)
  // It goes on from what was kept, here.
  const [kept, ...rest] = parts.flatMap((part) => (part.type === 'text' ? [part] : []))
  expect(kept).not.toHaveProperty('arm')
  expect(whole.startsWith(kept?.text ?? ' ')).toBe(true)
  expect(new Set(rest.map(({ arm }) => arm))).toEqual(new Set(['edge']))
  expect(server.paths.length).toBe(asked)
  after.closing.abort()
}, 50_000)

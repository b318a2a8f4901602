import { afterEach } from 'vitest'
import type { EndpointOptions } from '../client/types/client-options.ts'
import type { WritingPart } from '../client/types/generate-types.ts'
import { createRecitingEdge, type RecitingEdge } from './reciting-edge.ts'
import { textBehaviours } from './text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from './text-servers/fake-text-server.ts'
import { createRecital, renderChat, splitAnswer } from './text-servers/recital.ts'
import { openTextWriterFixture, type TextWriterFixture, tokenizerSha256 } from './text-writer-fixture.ts'

/** The model of both sides. */
export const recital = createRecital()
const servers: FakeTextServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

type Kind = keyof typeof textBehaviours
/** Kinds that go on with an answer that another one has begun. */
export const goingOn: readonly Kind[] = ['byIds', 'hither', 'byText', 'continues', 'trailing', 'losesBlanks', 'echoes']

async function openServer(kind: Kind): Promise<FakeTextServer> {
  const hither = { continues: ['token-ids', 'continue-final-message'], trims: false, tokenizerSha256 }
  const entry = kind === 'hither' ? { hither } : {}
  const server = await openFakeTextServer({ behaviour: textBehaviours[kind], recital, entry })
  servers.push(server)
  return server
}

export interface HandOverFixture extends TextWriterFixture {
  readonly device: RecitingEdge
  readonly server: FakeTextServer
  readonly cloud: { readonly arm: 'cloud'; readonly endpoint: string }
}
export const edge = { arm: 'edge' } as const

/** A device and a server with the same model. */
export async function openHandOver(
  kind: Kind,
  endpoint: Partial<EndpointOptions> = {},
  changes: Partial<Parameters<typeof openTextWriterFixture>[0]> = {},
): Promise<HandOverFixture> {
  const server = await openServer(kind)
  const device = createRecitingEdge(recital)
  const endpoints = [{ url: server.url, kind: 'openai', probe: true, ...endpoint } as const]
  const encode = async (text: string) => recital.encode(text)
  const fixture = openTextWriterFixture({ edge: device.edge, endpoints, encode, ...changes })
  return { ...fixture, device, server, cloud: { arm: 'cloud', endpoint: server.url } }
}

export const chatAbout = (about: unknown) => ({ messages: [{ role: 'user' as const, content: `Tell of ${about}` }] })
export const answerTo = (input: ReturnType<typeof chatAbout>): string =>
  recital.answer(splitAnswer(renderChat(input.messages)).prompt)
export const movesOf = (parts: readonly WritingPart[]) => parts.flatMap((part) => (part.type === 'moved' ? [part] : []))
/** Requests for an answer, and not for a probe. */
export const answersOf = ({ asked }: FakeTextServer) => asked.filter(({ body }) => body.stream === true)

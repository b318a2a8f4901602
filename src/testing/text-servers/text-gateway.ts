import { createEndpoint, type Endpoint } from '../../endpoint/create-endpoint.ts'
import {
  createGatewayEngine,
  type GatewayEngine,
  type GatewayOptions,
} from '../../endpoint/gateway/create-gateway-engine.ts'
import { createOpenAiPlugin, type StreamSettings } from '../../endpoint/gateway/openai/openai-plugin.ts'
import type { Timers } from '../../utils/with-deadline.ts'
import { eventually } from '../until.ts'
import { textBehaviours } from './behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from './fake-text-server.ts'
import { createRecital, renderChat, splitAnswer } from './recital.ts'

/** What a stream's client was sent. */
export interface SeenStream {
  readonly status: number
  readonly text: string
  /** The JSON of all events. */
  readonly events: readonly Readonly<Record<string, unknown>>[]
  readonly ids: readonly unknown[]
  readonly models: readonly unknown[]
  /** Finish reasons, errors' codes, and whether the stream said that it is over, in order. */
  readonly ends: readonly unknown[]
  readonly usage: unknown
  readonly raw: string
}

/** A gateway before fake servers, over real sockets. */
export interface TextGateway {
  readonly url: string
  readonly engine: GatewayEngine
  readonly servers: readonly FakeTextServer[]
  /** The answer to these words of a person, as a server writes it that nothing disturbs. */
  answerTo(content: string): string
  /** Streams a chat. `onSeen` gets all that has come so far. */
  chat(body: Readonly<Record<string, unknown>>, onSeen?: (seen: SeenStream) => unknown): Promise<SeenStream>
  complete(body: Readonly<Record<string, unknown>>, onSeen?: (seen: SeenStream) => unknown): Promise<SeenStream>
  post(path: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<Response>
  close(): Promise<void>
}

const hitherEntry = {
  hither: {
    kind: 'hither',
    continues: ['token-ids', 'text', 'continue-final-message'],
    trims: false,
    tokenizerSha256: 'ab'.repeat(32),
  },
}

/**
 * Opens a gateway that knows how each of these servers goes on. Requests come to the first one while that is up.
 *
 * @param options.tokens about so many of each answer
 */
export async function openTextGateway(
  names: readonly (keyof typeof textBehaviours)[],
  options: Partial<GatewayOptions> &
    StreamSettings & {
      readonly tokens?: number
      readonly perEvent?: number
      readonly timers?: Timers
      /** Has them described before the first request. Default true. */
      readonly isKnown?: boolean
    } = {},
): Promise<TextGateway> {
  const { tokens = 24, perEvent = 1, timers, isKnown = true, continues, stallMs, firstStallMs, ...others } = options
  const recital = createRecital({ tokens })
  const servers = await Promise.all(
    names.map((name) => {
      const entry = name === 'hither' ? hitherEntry : {}
      return openFakeTextServer({ behaviour: textBehaviours[name], recital, perEvent, entry })
    }),
  )
  const engine = await createGatewayEngine({ upstreams: servers.map(({ url }) => url), random: () => 0, ...others })
  const settings = { ...(continues === undefined ? {} : { continues }), ...(timers === undefined ? {} : { timers }) }
  const stall = {
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(firstStallMs === undefined ? {} : { firstStallMs }),
  }
  const plugin = createOpenAiPlugin(engine, { ...settings, ...stall })
  const endpoint: Endpoint = await createEndpoint({ engine, plugins: [plugin], logger: false })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}`
  // The others seem to have more than their share, so that each conversation begins at the first.
  for (const { state } of engine.upstreams.slice(1)) for (let count = 0; count < 20; count += 1) state.begin()
  // A connection may just have been closed: asked again, they answer on a new one.
  if (isKnown) await eventually(() => Promise.all(engine.upstreams.map(({ texts }) => texts.describe('teller'))))

  const post = async (path: string, body: Readonly<Record<string, unknown>>, signal?: AbortSignal) => {
    const ask = () =>
      fetch(`${url}/v1/${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ model: 'teller', ...body }),
        ...(signal === undefined ? {} : { signal }),
      })
    // On a busy machine a connection may be closed before it is used.
    return ask().catch((error: unknown) => {
      if (signal?.aborted) throw error
      return ask()
    })
  }
  const stream = async (
    path: string,
    body: Readonly<Record<string, unknown>>,
    onSeen?: (seen: SeenStream) => unknown,
  ) => {
    const response = await post(path, { stream: true, ...body })
    const decoder = new TextDecoder()
    let raw = ''
    for await (const bytes of response.body ?? []) {
      raw += decoder.decode(bytes, { stream: true })
      onSeen?.(readStream(response.status, raw))
    }
    return readStream(response.status, raw)
  }

  return {
    url,
    engine,
    servers,
    answerTo: (content) => recital.answer(splitAnswer(renderChat([{ role: 'user', content }])).prompt),
    post,
    chat: (body, onSeen) => stream('chat/completions', body, onSeen),
    complete: (body, onSeen) => stream('completions', body, onSeen),
    async close() {
      await endpoint.close()
      for (const server of servers) await server.close()
    },
  }
}

interface Choice {
  readonly text?: string
  readonly delta?: { readonly content?: string | null }
  readonly finish_reason?: unknown
}

function readStream(status: number, raw: string): SeenStream {
  const blocks = raw.split('\n\n').slice(0, -1)
  const data = blocks.flatMap((block) => (block.startsWith('data: ') ? [block.slice('data: '.length)] : []))
  const events = data.filter((each) => each !== '[DONE]').map((each) => JSON.parse(each) as Record<string, unknown>)
  const choices = events.flatMap((event) => (event.choices ?? []) as readonly Choice[])
  const finishes = choices.map((choice) => choice.finish_reason).filter((reason) => typeof reason === 'string')
  const errors = events.flatMap(({ error }) => (error === undefined ? [] : [(error as { code?: unknown }).code]))
  const chunks = events.filter((event) => event.choices !== undefined)
  return {
    status,
    raw,
    events,
    text: choices.map(({ text, delta }) => text ?? delta?.content ?? '').join(''),
    ids: [...new Set(chunks.map(({ id }) => id))],
    models: [...new Set(chunks.map(({ model }) => model))],
    ends: [...finishes, ...errors, ...(data.at(-1) === '[DONE]' ? ['done'] : [])],
    usage: chunks
      .map(({ usage }) => usage)
      .filter((usage) => usage !== undefined && usage !== null)
      .at(-1),
  }
}

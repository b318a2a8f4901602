import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { randomId } from '../../utils/random-id.ts'
import { answerAs, type FakeBody, type FakeText, idsOf, type TextBehaviour } from './behaviours.ts'
import { createRecital, type Recital } from './recital.ts'

/** What goes wrong with an answer. `at`: after so many tokens. */
export type TextFault =
  /** The socket is destroyed. */
  | { readonly kind: 'destroy'; readonly at: number }
  /** Nothing more comes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly at: number }
  /** Half of an event comes, then the end of the body. */
  | { readonly kind: 'half'; readonly at: number }
  /** The stream ends in order, without a finish. */
  | { readonly kind: 'ends'; readonly at: number }
  /** An event that is an error. */
  | { readonly kind: 'error'; readonly at: number; readonly error: unknown }
  /** An event whose JSON is no answer. */
  | { readonly kind: 'nonsense'; readonly at: number }
  /** A page, with status 200. */
  | { readonly kind: 'html' }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }

export interface FakeTextRequest {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: FakeBody & Readonly<Record<string, unknown>>
}

export interface FakeTextServer {
  readonly url: string
  readonly recital: Recital
  /** Requests for text, probes among them, in order. */
  readonly asked: readonly FakeTextRequest[]
  /** All paths that were asked for. */
  readonly paths: readonly string[]
  /** Streams that are open now. */
  readonly open: number
  /** Streams whose client has gone before their end. */
  readonly left: number
  /** Tokens that were written to streams, and taken. */
  readonly written: number
  /** Spoils the streams that come from now on, or so many of them; undefined: none. */
  fail(fault: TextFault | undefined, streams?: number): void
  setBehaviour(behaviour: TextBehaviour): void
  setFingerprint(fingerprint: string): void
  close(): Promise<void>
}

/** A server of OpenAI's API with one model, which goes on with answers as `behaviour` says. */
export async function openFakeTextServer(options: {
  readonly behaviour: TextBehaviour
  readonly model?: string
  readonly base?: string
  readonly recital?: Recital
  /** Tokens in each event. Default 1. */
  readonly perEvent?: number
  readonly version?: string
  /** What it has at other addresses, by path: there it says what it is. */
  readonly pages?: Readonly<Record<string, unknown>>
  /** What the model's entry says beside the usual. */
  readonly entry?: Readonly<Record<string, unknown>>
}): Promise<FakeTextServer> {
  const {
    model = 'teller',
    base = '/v1',
    recital = createRecital(),
    perEvent = 1,
    version,
    entry = {},
    pages = {},
  } = options
  let { behaviour } = options
  let fault: TextFault | undefined
  /** Streams that are still to be spoilt. */
  let toSpoil = 0
  let fingerprint = 'fp-1'
  let left = 0
  let written = 0
  const asked: FakeTextRequest[] = []
  const paths: string[] = []
  const open = new Set<ServerResponse>()
  const sockets = new Set<Socket>()

  const json = (response: ServerResponse, status: number, value: unknown, headers = {}) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))

  const choiceOf = (isChat: boolean, key: 'delta' | 'message', text: string) =>
    isChat ? { [key]: { role: 'assistant', content: text } } : { text }
  // Each server has its own, so that a stream that two of them write can be told by it.
  const frame = { id: `answer-${randomId()}`, created: 1, model }
  const idsIn = (body: FakeTextRequest['body']) => behaviour.ids !== 'none' && body.return_token_ids === true

  const whole = (response: ServerResponse, answer: FakeText, request: FakeTextRequest) => {
    const isChat = request.path.endsWith('chat/completions')
    const text = answer.tokens.map((token) => token.text).join('')
    const ids = idsIn(request.body)
    const choice = {
      index: 0,
      ...choiceOf(isChat, 'message', text),
      finish_reason: answer.finish,
      ...(ids ? { token_ids: idsOf(answer.tokens), prompt_token_ids: answer.promptIds } : {}),
    }
    json(response, 200, { ...frame, system_fingerprint: fingerprint, choices: [choice], usage: usageOf(answer) })
  }
  const usageOf = (answer: FakeText) => ({
    prompt_tokens: answer.promptIds.length,
    completion_tokens: idsOf(answer.tokens).length,
    total_tokens: answer.promptIds.length + idsOf(answer.tokens).length,
    prompt_tokens_details: { cached_tokens: 0 },
  })

  const stream = async (response: ServerResponse, answer: FakeText, request: FakeTextRequest) => {
    const isChat = request.path.endsWith('chat/completions')
    const ids = idsIn(request.body)
    const now = toSpoil > 0 ? fault : undefined
    toSpoil -= 1
    open.add(response)
    response.on('close', () => {
      open.delete(response)
      if (!response.writableFinished && now === undefined) left += 1
    })
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' })
    const send = (value: unknown) =>
      new Promise<void>((resolve) => response.write(`data: ${JSON.stringify(value)}\n\n`, () => resolve()))
    const chunk = (choices: readonly unknown[], more = {}) => ({
      ...frame,
      object: isChat ? 'chat.completion.chunk' : 'text_completion',
      system_fingerprint: fingerprint,
      choices,
      ...more,
    })
    const cutAt = now !== undefined && 'at' in now ? now.at : Number.POSITIVE_INFINITY
    for (let at = 0; at < answer.tokens.length && at < cutAt; at += perEvent) {
      const some = answer.tokens.slice(at, Math.min(at + perEvent, cutAt))
      const text = some.map((token) => token.text).join('')
      const choice = {
        index: 0,
        ...choiceOf(isChat, 'delta', text),
        finish_reason: answer.isStopped && at + perEvent >= answer.tokens.length ? answer.finish : null,
        ...(ids ? { token_ids: idsOf(some) } : {}),
      }
      await send(chunk([choice], ids && at === 0 ? { prompt_token_ids: answer.promptIds } : {}))
      written += some.length
    }
    if (now !== undefined && 'at' in now) return spoil(response, now)
    if (!answer.isStopped) {
      await send(chunk([{ index: 0, ...choiceOf(isChat, 'delta', ''), finish_reason: answer.finish }]))
    }
    const usage = (request.body.stream_options as { readonly include_usage?: boolean } | undefined)?.include_usage
    if (usage === true) await send(chunk([], { usage: usageOf(answer) }))
    response.end('data: [DONE]\n\n')
  }

  const spoil = (response: ServerResponse, now: TextFault & { at: number }) => {
    if (now.kind === 'destroy') response.socket?.destroy()
    else if (now.kind === 'half') response.end('data: {"choices":[{"delta":{"content":"ha')
    else if (now.kind === 'ends') response.end()
    else if (now.kind === 'error') response.end(`data: ${JSON.stringify({ error: now.error })}\n\n`)
    else if (now.kind === 'nonsense') response.end('data: {"weather":"fine"}\n\n')
  }

  const writeText = (response: ServerResponse, request: FakeTextRequest) => {
    asked.push(request)
    const now = fault
    if (now?.kind === 'html') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body>Log in to the network</body></html>')
      return
    }
    if (now?.kind === 'status') return json(response, now.status, { error: { message: 'as told' } }, now.headers)
    const path = request.path.endsWith('chat/completions') ? 'chat/completions' : 'completions'
    const answer = answerAs(behaviour, path, request.body, recital)
    if (!('tokens' in answer)) return json(response, answer.status, { error: { message: answer.error } })
    if (request.body.stream !== true) return whole(response, answer, request)
    void stream(response, answer, request)
  }

  const answer = (response: ServerResponse, path: string, headers: IncomingMessage['headers'], text: string) => {
    paths.push(path)
    const own = { id: model, object: 'model', owned_by: behaviour.owner, ...entry }
    if (path === `${base}/models`) return json(response, 200, { object: 'list', data: [own] })
    if (path === `${base}/models/${model}`) return json(response, 200, own)
    if (path === '/version' && version !== undefined) return json(response, 200, { version })
    if (Object.hasOwn(pages, path)) return json(response, 200, pages[path])
    if (path === '/health') return response.writeHead(200).end()
    if (path === '/tokenize' && behaviour.ids !== 'none') {
      const { prompt } = JSON.parse(text) as { readonly prompt: string }
      return json(response, 200, { tokens: recital.encode(prompt) })
    }
    if (path === `${base}/chat/completions` || path === `${base}/completions`) {
      return writeText(response, { path, headers, body: JSON.parse(text) as FakeTextRequest['body'] })
    }
    json(response, 404, { error: { message: 'there is no such address' } })
  }

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('error', () => {})
    response.on('error', () => {})
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => answer(response, incoming.url ?? '', incoming.headers, Buffer.concat(chunks).toString()))
  })
  // Longer than any client's: a connection that is closed while it is used would be a fault that no test asked for.
  server.keepAliveTimeout = 3_600_000
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    recital,
    asked,
    paths,
    get open() {
      return open.size
    },
    get left() {
      return left
    },
    get written() {
      return written
    },
    fail(next, streams = Number.POSITIVE_INFINITY) {
      fault = next
      toSpoil = streams
    },
    setBehaviour(next) {
      behaviour = next
    },
    setFingerprint(next) {
      fingerprint = next
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

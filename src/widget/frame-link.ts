import type { EngineEvents, WidgetEngine, WidgetResult } from './engine-types.ts'
import {
  type Ask,
  type EngineOptions,
  helloSchema,
  protocolVersion,
  readMessage,
  type Tell,
  tellSchema,
  toRoute,
} from './messages.ts'
import { WidgetError } from './widget-error.ts'

/** For the frame's page to load and say so, in milliseconds. A page that forbids the frame never does. */
const helloWithinMs = 20_000

interface Waiting {
  readonly resolve: (tell: Tell) => void
  readonly reject: (error: unknown) => void
}

/**
 * Puts the engine in a hidden frame of its own host, where its workers may start, and connects to it. Who speaks is
 * checked on both ends by window and origin; then all goes by a channel that nobody else has.
 *
 * @param host where `widget-frame.html` is
 * @param signal ends it
 * @throws {WidgetError} the frame did not answer
 */
export async function openFrame(
  host: URL,
  options: EngineOptions,
  events: EngineEvents,
  signal: AbortSignal,
): Promise<WidgetEngine> {
  const frame = document.createElement('iframe')
  frame.hidden = true
  frame.title = 'Hither'
  frame.setAttribute('aria-hidden', 'true')
  // The frame answers only to this page's origin: a page can't pass for another one by what it sends.
  frame.src = `${new URL('widget-frame.html', host).href}#${encodeURIComponent(globalThis.origin)}`
  const channel = new MessageChannel()
  try {
    await handshake(frame, host, { options, port: channel.port2 }, signal)
  } catch (error) {
    frame.remove()
    throw error
  }
  return connect(channel.port1, events, () => frame.remove())
}

function handshake(
  frame: HTMLIFrameElement,
  host: URL,
  given: { readonly options: EngineOptions; readonly port: MessagePort },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController()
    const end = (error?: unknown) => {
      listening.abort()
      clearTimeout(timer)
      if (error === undefined) resolve()
      else reject(error)
    }
    const timer = setTimeout(
      () =>
        end(
          new WidgetError(
            `The frame of ${host.origin} did not answer. Does this page’s policy allow it (frame-src), and does its server allow this page?`,
            'frame-unreachable',
          ),
        ),
      helloWithinMs,
    )
    signal.addEventListener('abort', () => end(signal.reason), { signal: listening.signal })
    addEventListener(
      'message',
      ({ source, origin, data }) => {
        // A frame without an origin of its own, in a sandbox, is told by its window alone.
        const isOurs = source === frame.contentWindow && (origin === host.origin || origin === 'null')
        if (!isOurs || readMessage(helloSchema, data)?.version !== protocolVersion) return
        const message = { type: 'hither-connect', version: protocolVersion, options: given.options }
        frame.contentWindow?.postMessage(message, origin === 'null' ? '*' : origin, [given.port])
        end()
      },
      { signal: listening.signal },
    )
    document.documentElement.append(frame)
  })
}

function connect(port: MessagePort, events: EngineEvents, onClose: () => void): WidgetEngine {
  const waiting = new Map<number, Waiting>()
  let ids = 0
  const say = (ask: Ask, transfer: Transferable[] = []) => port.postMessage(ask, transfer)
  const hear: { readonly [K in Tell['type']]: (tell: Extract<Tell, { type: K }>) => void } = {
    result: (tell) => waiting.get(tell.id)?.resolve(tell),
    prepared: (tell) => waiting.get(tell.id)?.resolve(tell),
    error: ({ id, error }) => waiting.get(id)?.reject(new WidgetError(error.message, error.code)),
    progress: (tell) => events.onProgress(tell),
    state: ({ status }) => events.onState(status),
  }
  port.onmessage = ({ data }) => {
    const tell = readMessage(tellSchema, data)
    if (tell !== undefined) (hear[tell.type] as (tell: Tell) => void)(tell)
  }
  const request = async (id: number, ask: Ask, transfer: Transferable[] = []): Promise<Tell> => {
    try {
      return await new Promise<Tell>((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        say(ask, transfer)
      })
    } finally {
      waiting.delete(id)
    }
  }

  return {
    async run(input, { signal, privacy }): Promise<WidgetResult> {
      signal.throwIfAborted()
      const id = ++ids
      const abort = () => {
        say({ type: 'abort', id })
        waiting.get(id)?.reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      try {
        const handed = input.kind === 'picture' && input.picture instanceof ImageBitmap ? [input.picture] : []
        const tell = await request(
          id,
          { type: 'run', id, input, ...(privacy === undefined ? {} : { privacy }) },
          handed,
        )
        if (tell.type !== 'result') throw new WidgetError('The frame gave no result.')
        return { answer: tell.answer as unknown as WidgetResult['answer'], route: toRoute(tell.route) }
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
    async prepare() {
      const id = ++ids
      await request(id, { type: 'prepare', id })
    },
    close() {
      say({ type: 'close' })
      port.close()
      for (const { reject } of waiting.values()) reject(new WidgetError('The widget was closed.', 'client-closed'))
      onClose()
    },
  }
}

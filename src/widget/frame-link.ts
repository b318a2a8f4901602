import * as v from 'valibot'
import { handOver } from '../utils/calls/hand-over.ts'
import { openLink } from '../utils/calls/open-link.ts'
import { isInstance } from '../utils/is-instance.ts'
import type { EngineEvents, WidgetEngine, WidgetResult } from './engine-types.ts'
import {
  type EngineOptions,
  engineOptionsSchema,
  errorSchema,
  helloSchema,
  measuredArguments,
  privacySchema,
  progressArguments,
  protocolVersion,
  readMessage,
  resultSchema,
  stateArguments,
  textArguments,
  toRoute,
} from './messages.ts'
import { WidgetError } from './widget-error.ts'

/** For the frame's page to load and say so, in milliseconds. A page that forbids the frame never does. */
const helloWithinMs = 20_000

/**
 * Puts the engine in a hidden frame of its own host, where its workers may start, and connects to it. Who speaks is
 * checked on both ends by window and origin; then all goes by a channel that nobody else has.
 *
 * @param host where `widget-frame.html` is
 * @param signal ends it
 * @throws {WidgetError} `config-invalid`: the frame would not take these options; `frame-unreachable`: it did not answer
 */
export async function openFrame(
  host: URL,
  options: EngineOptions,
  events: EngineEvents,
  signal: AbortSignal,
): Promise<WidgetEngine> {
  checkOptions(options)
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

/** The frame leaves a greeting that it does not take unanswered, and with it all that is asked by its port. */
function checkOptions(options: EngineOptions): void {
  const parsed = v.safeParse(engineOptionsSchema, options)
  if (parsed.success) return
  const name = v.getDotPath(parsed.issues[0]) ?? 'options'
  throw new WidgetError(unusable(name), 'config-invalid')
}

const unusable = (name: string) => `The widget’s ${name} is not one that it can use.`

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
  const told: { readonly [K in keyof EngineEvents]: (...args: unknown[]) => void } = {
    onProgress(...args) {
      const progress = readMessage(progressArguments, args)
      if (progress !== undefined) events.onProgress(...progress)
    },
    onState(...args) {
      const state = readMessage(stateArguments, args)
      if (state !== undefined) events.onState(...state)
    },
    onText(...args) {
      const [written] = readMessage(textArguments, args) ?? []
      if (written !== undefined) events.onText(written)
    },
    onMeasured(...args) {
      const [route] = readMessage(measuredArguments, args) ?? []
      if (route !== undefined) events.onMeasured(toRoute(route))
    },
  }
  const gone = () => new WidgetError('The frame has gone.', 'frame-unreachable')
  const { methods, close } = openLink<WidgetEngine>(port, {
    methods: told,
    errors: { toWire: () => ({ message: 'The page failed.' }), fromWire: toWidgetError },
    toGone: gone,
  })

  return {
    async run(input, options) {
      if (!v.is(privacySchema, options.privacy)) throw new WidgetError(unusable('privacy'), 'config-invalid')
      const handed = input.kind === 'picture' && isInstance(input.picture, 'ImageBitmap') ? [input.picture] : []
      const result = readMessage(resultSchema, await methods.run(handOver(input, handed), options))
      if (result === undefined) throw new WidgetError('The frame gave no result.')
      return { answer: result.answer as unknown as WidgetResult['answer'], route: toRoute(result.route) }
    },
    prepare: () => methods.prepare(),
    close() {
      const closed = new WidgetError('The widget was closed.', 'client-closed')
      methods.close().catch(() => {})
      close(closed)
      onClose()
    },
  }
}

function toWidgetError(error: unknown): WidgetError {
  const read = readMessage(errorSchema, error)
  return read === undefined ? new WidgetError('The frame failed.') : new WidgetError(read.message, read.code)
}

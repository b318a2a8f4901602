import { isHitherError, ValidationError } from '../index.ts'
import { allowOwnWorkers } from '../ui/base/trusted-types.ts'
import { openLink } from '../utils/calls/open-link.ts'
import { createEngine } from './engine.ts'
import type { EngineEvents, WidgetEngine } from './engine-types.ts'
import {
  connectSchema,
  type EngineError,
  type EngineOptions,
  protocolVersion,
  readMessage,
  runArguments,
} from './messages.ts'

const toError = (error: unknown): EngineError => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 2000)
  return isHitherError(error) ? { code: error.code, message } : { message }
}

/** Answers one page by the port that it gave. The page may be of another origin: it gets to the checked methods only. */
function serve(port: MessagePort, options: EngineOptions): void {
  let engine: WidgetEngine | undefined
  let refused: unknown
  const made = (): WidgetEngine => {
    if (engine === undefined) throw refused
    return engine
  }
  const methods: { readonly [K in keyof WidgetEngine]: (...args: unknown[]) => unknown } = {
    async run(...args) {
      const read = readMessage(runArguments, args)
      if (read !== undefined) return made().run(...read)
      throw new ValidationError('input-type', 'The widget takes a text, a picture or a sound, of bounded size.')
    },
    prepare: async () => made().prepare(),
    close() {
      engine?.close()
      link.close(new DOMException('The widget was closed.', 'AbortError'))
    },
  }
  const link = openLink<EngineEvents>(port, {
    methods,
    errors: { toWire: toError, fromWire: () => new Error('the page failed') },
  })
  const tell = (told: Promise<void>) => void told.catch(() => {})
  try {
    engine = createEngine(new URL('.', location.href), options, {
      onProgress: (progress) => tell(link.methods.onProgress(progress)),
      onState: (status) => tell(link.methods.onState(status)),
      onText: (written) => tell(link.methods.onText(written)),
      onMeasured: (route) => tell(link.methods.onMeasured(route)),
    })
  } catch (error) {
    refused = error
  }
}

allowOwnWorkers()
if (parent !== window) {
  // The page that shows this frame, and nobody else, may connect, once. Who may show it, its server's policy says.
  const listening = new AbortController()
  const expected = decodeURIComponent(location.hash.slice(1))
  addEventListener(
    'message',
    ({ source, origin, data, ports }) => {
      if (source !== parent || origin !== expected) return
      const connect = readMessage(connectSchema, data)
      const [port] = ports
      if (connect === undefined || port === undefined) return
      listening.abort()
      serve(port, connect.options)
    },
    { signal: listening.signal },
  )
  // To whoever shows it: it says nothing but that it is here.
  parent.postMessage({ type: 'hither-hello', version: protocolVersion }, '*')
}

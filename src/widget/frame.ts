import { isHitherError } from '../index.ts'
import { allowOwnWorkers } from '../ui/base/trusted-types.ts'
import { createEngine } from './engine.ts'
import type { WidgetEngine } from './engine-types.ts'
import {
  type Ask,
  askSchema,
  connectSchema,
  type EngineError,
  type EngineOptions,
  protocolVersion,
  readMessage,
  type Tell,
} from './messages.ts'

const toError = (error: unknown): EngineError => {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 2000)
  return isHitherError(error) ? { code: error.code, message } : { message }
}

/** Answers one page by the port that it gave. */
function serve(port: MessagePort, options: EngineOptions): void {
  const tell = (message: Tell) => port.postMessage(message)
  const aborts = new Map<number, AbortController>()
  let engine: WidgetEngine | undefined
  let refused: unknown
  try {
    engine = createEngine(new URL('.', location.href), options, {
      onProgress: (progress) => tell({ type: 'progress', ...progress }),
      onState: (status) => tell({ type: 'state', status }),
    })
  } catch (error) {
    refused = error
  }
  const answer = async (id: number, work: (engine: WidgetEngine, signal: AbortSignal) => Promise<Tell>) => {
    const controller = new AbortController()
    aborts.set(id, controller)
    try {
      if (engine === undefined) throw refused
      tell(await work(engine, controller.signal))
    } catch (error) {
      if (!controller.signal.aborted) tell({ type: 'error', id, error: toError(error) })
    } finally {
      aborts.delete(id)
    }
  }
  const hear: { readonly [K in Ask['type']]: (ask: Extract<Ask, { type: K }>) => void } = {
    run: ({ id, input, privacy }) =>
      void answer(
        id,
        async (made, signal) =>
          ({ type: 'result', id, ...(await made.run(input, { signal, privacy })) }) as unknown as Tell,
      ),
    prepare: ({ id }) =>
      void answer(id, async (made) => {
        await made.prepare()
        return { type: 'prepared', id }
      }),
    abort: ({ id }) => aborts.get(id)?.abort(),
    close() {
      engine?.close()
      port.close()
    },
  }
  port.onmessage = ({ data }) => {
    const ask = readMessage(askSchema, data)
    if (ask !== undefined) (hear[ask.type] as (ask: Ask) => void)(ask)
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

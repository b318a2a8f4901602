import { CloudError } from '../../errors/cloud-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { sleep } from '../../utils/sleep.ts'
import { toBaseUrl } from '../base-url.ts'
import { createSendRequest } from '../cloud-request.ts'
import { createAnswerIntake } from './answer-intake.ts'
import { planGoOn } from './plan-go-on.ts'
import { readTextStream, watchSilence } from './read-text-stream.ts'
import { createTextModels, jsonOf, splitBase } from './text-models.ts'
import type {
  CloudTextEnd,
  CloudWriteOptions,
  CloudWriteRequest,
  TextServer,
  TextServerOptions,
} from './text-server.ts'
import { toWireRequest } from './to-wire-request.ts'

const usualSilenceMs = { first: 60_000, gap: 10_000 }
/** Bytes that an answer's reader is never asked to keep: it reads as they come. */
const mostBytes = Number.POSITIVE_INFINITY

/**
 * Opens a server of OpenAI's API for writing text: a Hither endpoint, a gateway, or a stock server. Nothing is sent before
 * it is asked for something.
 *
 * @throws {ConfigError} `config-invalid`: the address can't be one
 * @example
 * const server = openTextServer({ url: 'https://llm.example.com', token: () => 'abc' })
 * const { ways } = await server.describe('smollm2-135m')
 */
export function openTextServer(options: TextServerOptions): TextServer {
  const { kind, headers = {}, token, probe, askMs = 10_000 } = options
  const { fetch = globalThis.fetch, now = () => performance.now(), nowDate = Date.now } = options
  const { root, base } = splitBase(toBaseUrl(options.url))
  const send = createSendRequest({ baseUrl: root, token, fetch: (...args) => fetch(...args), now, nowDate })
  const known = createTextModels({ root, base, send, headers, kind, probe, askMs, now })
  /** By `now()`: the server has asked to be left alone until then. */
  let busyUntilMs = Number.NEGATIVE_INFINITY

  /** Waits until the server may be asked again, or refuses. */
  const untilFree = async (maxWaitMs: number, signal: AbortSignal | undefined): Promise<void> => {
    const waitMs = busyUntilMs - now()
    if (waitMs <= 0) return
    if (waitMs > maxWaitMs) {
      throw new CloudError('cloud-overloaded', 'The endpoint has asked to be left alone for a while.', {
        context: { retryAfterMs: Math.ceil(waitMs) },
      })
    }
    await sleep(waitMs, signal)
  }

  const write = async (
    request: CloudWriteRequest,
    { signal, onPart, firstSilenceMs, silenceMs, maxWaitMs = 0 }: CloudWriteOptions,
  ): Promise<CloudTextEnd> => {
    signal?.throwIfAborted()
    const { goOn, maxTokens } = request
    // An answer from the beginning does not wait for a probe.
    const ask = () => (goOn === undefined ? known.identify(request.model) : known.get(request.model))
    const facts = known.peek(request.model)?.value ?? (await abortable(ask(), signal))
    const plan = goOn && planGoOn(goOn, request.prompt, { ways: [], ...facts })
    if (goOn !== undefined && plan === undefined) {
      throw new CloudError('cloud-refused', 'The endpoint does not go on with an answer that was begun elsewhere.', {
        context: { goOn: true },
      })
    }
    if (goOn !== undefined && goOn.tokens >= maxTokens) return { reason: 'length' }
    await untilFree(maxWaitMs, signal)
    const { path, body } = toWireRequest({ ...request, model: facts.model }, facts.kind, plan)
    const intake = createAnswerIntake(request, plan, onPart)
    const silence = watchSilence({
      firstMs: firstSilenceMs ?? usualSilenceMs.first,
      gapMs: silenceMs ?? usualSilenceMs.gap,
    })
    const both = anySignal(signal, silence.signal)
    try {
      await send({
        path: `${known.base}/${path}`,
        method: 'POST',
        ...jsonOf({ ...headers, Accept: 'text/event-stream, application/json' }, body),
        limitBytes: mostBytes,
        signal: both,
        read: async (response) => {
          await readTextStream(response, {
            signal: both,
            onChunk(chunk) {
              both.throwIfAborted()
              silence.heard()
              return intake.take(chunk)
            },
          })
          return new Uint8Array()
        },
      })
    } catch (error) {
      if (error instanceof CloudError && error.code === 'cloud-overloaded') {
        busyUntilMs = Math.max(busyUntilMs, now() + Number(error.context.retryAfterMs ?? 0))
      }
      if (error instanceof CloudError && error.code === 'cloud-model-missing') known.forget(request.model)
      throw error
    } finally {
      silence.stop()
    }
    const end = intake.end()
    if (end.fingerprint !== undefined) known.noticeFingerprint(request.model, end.fingerprint)
    return end
  }

  return {
    describe: (model, { signal, anew = false } = {}) => abortable(anew ? known.renew(model) : known.get(model), signal),
    known: (model) => known.peek(model)?.value,
    write,
  }
}

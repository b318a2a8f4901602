import { CloudError } from '../../errors/cloud-error.ts'
import { type ListedTextModel, readTextModel, readTextModels } from '../../protocol/text-server/model-listing.ts'
import { abortable } from '../../utils/abortable.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { given } from '../../utils/given.ts'
import { holdValues } from '../../utils/held-value.ts'
import { sleep } from '../../utils/sleep.ts'
import { toBaseUrl } from '../base-url.ts'
import { createSendRequest } from '../cloud-request.ts'
import { type AskJson, detectServer } from './detect-server.ts'
import { kindFacts } from './kind-facts.ts'
import { planGoOn } from './plan-go-on.ts'
import { halfSentence, type ProbeFindings, probeWays } from './probe.ts'
import { readTextStream, watchSilence } from './read-text-stream.ts'
import type {
  CloudTextEnd,
  CloudWriteOptions,
  CloudWriteRequest,
  TextModelFacts,
  TextServer,
  TextServerOptions,
} from './text-server.ts'
import { toWireRequest } from './to-wire-request.ts'
import { createAnswerIntake } from './write-answer.ts'

/** Where servers have OpenAI's API: most; KServe; OpenVINO. */
const bases = ['/v1', '/openai/v1', '/v3'] as const

/** Milliseconds that what is known of a model is held, and that a failed probe is not repeated. */
const knownMs = 600_000
const retryMs = 15_000
/** Milliseconds that a question, and a probe's few tokens, may take. */
const askMs = 5_000
const probeMs = 30_000
const mostBytes = 4 * 1024 * 1024
const mostModels = 200

const usualSilenceMs = { first: 60_000, gap: 10_000 }

const isStatus = (error: unknown, statuses: readonly number[]): boolean =>
  error instanceof CloudError && statuses.includes(Number(error.context.status))

/** The server's root, and where its API is where the address says that. */
function splitBase(url: string): { readonly root: string; readonly base: string | undefined } {
  const base = [...bases]
    .reverse()
    .find((each) => url.endsWith(each) && !(each === '/v1' && url.endsWith('/openai/v1')))
  return base === undefined ? { root: url, base } : { root: url.slice(0, -base.length), base }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '')

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
  const { kind: givenKind, headers = {}, token, probe } = options
  const { fetch = globalThis.fetch, now = () => performance.now(), nowDate = Date.now } = options
  const { root, base: givenBase } = splitBase(toBaseUrl(options.url))
  const send = createSendRequest({ baseUrl: root, token, fetch: (...args) => fetch(...args), now, nowDate })
  let base: string | undefined = givenBase
  /** By `now()`: the server has asked to be left alone until then. */
  let busyUntilMs = Number.NEGATIVE_INFINITY

  const getJson = async (path: string, signal: AbortSignal): Promise<unknown> => {
    const { body } = await send({ path, headers, limitBytes: mostBytes, signal })
    return JSON.parse(new TextDecoder().decode(body))
  }
  const postJson = async (path: string, value: unknown, signal: AbortSignal): Promise<unknown> => {
    const { body } = await send({ path, method: 'POST', ...jsonOf(headers, value), limitBytes: mostBytes, signal })
    try {
      return JSON.parse(new TextDecoder().decode(body))
    } catch (cause) {
      throw new CloudError('cloud-bad-response', 'The endpoint answered with something that is no JSON.', { cause })
    }
  }
  const ask: AskJson = (path) => getJson(path, AbortSignal.timeout(askMs)).catch(() => undefined)

  /** The list of models, and where the API is. */
  const list = async (): Promise<readonly ListedTextModel[]> => {
    for (const each of base === undefined ? bases : [base]) {
      try {
        const models = readTextModels(await getJson(`${each}/models`, AbortSignal.timeout(askMs)))
        if (models === undefined) continue
        base = each
        return models
      } catch (error) {
        // No such address, or a page instead of JSON: the API may be at the next one.
        if (!isStatus(error, [400, 404, 405, 501]) && !(error instanceof SyntaxError)) throw error
      }
    }
    throw new CloudError('cloud-bad-response', "The endpoint has no list of models: it does not speak OpenAI's API.")
  }

  const findModel = async (model: string): Promise<ListedTextModel> => {
    const models = await list()
    const listed = models.find(({ id }) => id === model || id === `${model}:latest`)
    // A gateway tells of one model what it would not find out for the whole list.
    if (listed !== undefined && !(listed.isHither && listed.ways === undefined)) return listed
    const alone = await getJson(`${base}/models/${encodeURIComponent(model)}`, AbortSignal.timeout(probeMs)).catch(
      (error: unknown) => {
        if (error instanceof SyntaxError || isStatus(error, [400, 404, 405, 501])) return undefined
        throw error
      },
    )
    const found = readTextModel(alone) ?? listed
    if (found !== undefined) return found
    throw new CloudError('cloud-model-missing', `The endpoint does not have the model ${model.slice(0, 100)}.`)
  }

  /** Findings by model and version: another version of a server may do otherwise. */
  const findings = new Map<string, ProbeFindings>()
  const probed = async (model: string, kind: TextModelFacts['kind'], version: string | undefined) => {
    const key = `${model}\n${version ?? ''}`
    const before = version === undefined ? undefined : findings.get(key)
    if (before !== undefined) return before
    const signal = AbortSignal.timeout(probeMs)
    const found = await probeWays(
      { model, kind },
      {
        post: (path, body) => postJson(`${base}/${path}`, body, signal),
        postAtRoot: (path, body) => postJson(path, body, signal),
      },
    )
    if (findings.size >= mostModels) findings.clear()
    findings.set(key, found)
    return found
  }

  const describe = async (model: string): Promise<TextModelFacts> => {
    const listed = await findModel(model)
    const server = { host: hostOf(root), base: base ?? '', model: listed }
    const detected = await detectServer(
      givenKind === undefined ? server : { ...server, model: { ...listed, kind: givenKind } },
      ask,
    )
    const { kind, version } = detected
    const facts = {
      model: listed.id,
      kind,
      ...given({ version, contextTokens: listed.contextTokens ?? detected.contextTokens, tokenizer: listed.tokenizer }),
    }
    if (listed.ways !== undefined) return { ...facts, ways: listed.ways, waysKnown: 'said' }
    const { assumed, charges } = kindFacts[kind]
    const guess = (): TextModelFacts => ({
      ...facts,
      ways: assumed.map((way) => ({ way, trims: true, losesBlanks: false, echoes: way === 'prefix' })),
      waysKnown: assumed.length > 0 || kind === 'openai' ? 'assumed' : 'no',
    })
    if (!(probe ?? !charges) || kindFacts[kind].tried.length === 0) return guess()
    try {
      const { ways, ids, fingerprint } = await probed(model, kind, version)
      const tokensOf = ids && { text: halfSentence, ids }
      return { ...facts, ...given({ tokensOf, version: version ?? fingerprint }), ways, waysKnown: 'probed' }
    } catch {
      // It is there, but could not answer now: until it has been asked again, it is not asked to go on.
      return { ...facts, ways: [], waysKnown: 'no' }
    }
  }
  const known = holdValues({
    load: describe,
    holdMs: ({ waysKnown, kind }) => (waysKnown === 'no' && kindFacts[kind].tried.length > 0 ? retryMs : knownMs),
    maxKeys: mostModels,
    now,
  })

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
    const facts = await abortable(known.get(request.model), signal)
    const plan = goOn && planGoOn(goOn, request.prompt, facts)
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
        path: `${base}/${path}`,
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
    if (end.fingerprint !== undefined) noticeVersion(request.model, end.fingerprint)
    return end
  }

  /** Fingerprints by model, as they were first seen. */
  const fingerprints = new Map<string, string>()
  /** A server that has become another one may go on in other ways. */
  const noticeVersion = (model: string, fingerprint: string) => {
    const before = fingerprints.get(model)
    if (fingerprints.size >= mostModels) fingerprints.clear()
    fingerprints.set(model, fingerprint)
    if (before === undefined || before === fingerprint) return
    known.forget(model)
    for (const key of findings.keys()) if (key.startsWith(`${model}\n`)) findings.delete(key)
  }

  return {
    describe: (model, { signal } = {}) => abortable(known.get(model), signal),
    known: (model) => known.peek(model)?.value,
    write,
  }
}

const jsonOf = (headers: Readonly<Record<string, string>>, value: unknown) => ({
  headers: { ...headers, 'Content-Type': 'application/json' },
  body: new TextEncoder().encode(JSON.stringify(value)),
})

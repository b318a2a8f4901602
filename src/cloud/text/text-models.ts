import { CloudError } from '../../errors/cloud-error.ts'
import { type ListedTextModel, readTextModel, readTextModels } from '../../protocol/text-server/model-listing.ts'
import { given } from '../../utils/given.ts'
import { type HeldValues, holdValues } from '../../utils/held-value.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import type { SendRequest } from '../cloud-request.ts'
import { type AskJson, type DetectedServer, detectServer } from './detect-server.ts'
import { kindFacts } from './kind-facts.ts'
import { halfSentence, type ProbeFindings, probeWays } from './probe.ts'
import type { TextModelFacts, TextServerOptions } from './text-server.ts'

/** Where servers have OpenAI's API: most; KServe; OpenVINO. */
const bases = ['/v1', '/openai/v1', '/v3'] as const

/** Milliseconds that what is known of a model is held, and that a failed probe is not repeated. */
const knownMs = 600_000
const retryMs = 15_000
/** Milliseconds that findings hold for a server that says no version: it may have become another one. */
const unversionedMs = 3_600_000
const mostBytes = 4 * 1024 * 1024
const mostModels = 200

const isStatus = (error: unknown, statuses: readonly number[]): boolean =>
  error instanceof CloudError && statuses.includes(Number(error.context.status))

/** The server's root, and where its API is where the address says that. */
export function splitBase(url: string): { readonly root: string; readonly base: string | undefined } {
  const base = ['/openai/v1', '/v1', '/v3'].find((each) => url.endsWith(each))
  return base === undefined ? { root: url, base } : { root: url.slice(0, -base.length), base }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : '')

/** A request with JSON. */
export const jsonOf = (headers: Readonly<Record<string, string>>, value: unknown) => ({
  headers: { ...headers, 'Content-Type': 'application/json' },
  body: new TextEncoder().encode(JSON.stringify(value)),
})

/** A model's entry, and what its server is. */
interface Identity extends DetectedServer {
  readonly listed: ListedTextModel
}

/** What is known of a server's models. */
export interface TextModels extends Pick<HeldValues<string, TextModelFacts>, 'get' | 'peek'> {
  /** The model's id and its server's kind, as far as that is known without spending tokens. */
  identify(model: string): Promise<Pick<TextModelFacts, 'model' | 'kind'>>
  /** Where its API is, below its root; known once a model was found. */
  readonly base: string
  /** Asks the server once more. What a probe has found still holds: no tokens are spent anew. */
  renew(model: string): Promise<TextModelFacts>
  /** It does not have the model any more. */
  forget(model: string): void
  /** An answer has this fingerprint: where it is another one than the probe's, it may go on in other ways. */
  noticeFingerprint(model: string, fingerprint: string): void
}

/** Asks a server for its models, and for what each can do. */
export function createTextModels(options: {
  readonly root: string
  readonly base: string | undefined
  readonly send: SendRequest
  readonly headers: Readonly<Record<string, string>>
  readonly kind: TextServerOptions['kind']
  readonly probe: boolean | undefined
  readonly askMs: number
  readonly now: () => number
}): TextModels {
  const { root, send, headers, kind: givenKind, probe, askMs, now } = options
  const probeMs = 6 * askMs
  let base = options.base

  const inTime = <T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(work, {
      ms,
      onDeadline: () => new CloudError('cloud-timeout', 'The endpoint did not describe itself in time.'),
    })
  const getJson = (path: string, ms = askMs): Promise<unknown> =>
    inTime(ms, async (signal) => {
      const { body } = await send({ path, headers, limitBytes: mostBytes, signal })
      return JSON.parse(new TextDecoder().decode(body))
    })
  const postJson = async (path: string, value: unknown, signal: AbortSignal): Promise<unknown> => {
    const { body } = await send({ path, method: 'POST', ...jsonOf(headers, value), limitBytes: mostBytes, signal })
    try {
      return JSON.parse(new TextDecoder().decode(body))
    } catch (cause) {
      throw new CloudError('cloud-bad-response', 'The endpoint answered with something that is no JSON.', { cause })
    }
  }
  const ask: AskJson = (path) => getJson(path).catch(() => undefined)

  /** The list of models, and where the API is. */
  const list = async (): Promise<readonly ListedTextModel[]> => {
    for (const each of base === undefined ? bases : [base]) {
      try {
        const models = readTextModels(await getJson(`${each}/models`))
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

  /** The model's own description. */
  const findAlone = async (model: string): Promise<ListedTextModel | undefined> => {
    const path = `${base ?? bases[0]}/models/${encodeURIComponent(model)}`
    return readTextModel(
      await getJson(path, probeMs).catch((error: unknown) => {
        if (error instanceof SyntaxError || isStatus(error, [400, 404, 405, 501])) return undefined
        throw error
      }),
    )
  }

  /** What can be known without tokens. */
  const identify = async (model: string): Promise<Identity> => {
    const models = await list()
    const listed = models.find(({ id }) => id === model || id === `${model}:latest`) ?? (await findAlone(model))
    if (listed === undefined) {
      throw new CloudError('cloud-model-missing', `The endpoint does not have the model ${model.slice(0, 100)}.`)
    }
    const asKind = givenKind === undefined ? listed : { ...listed, kind: givenKind }
    return { listed, ...(await detectServer({ host: hostOf(root), base: base ?? '', model: asKind }, ask)) }
  }
  const identities = holdValues({ load: identify, holdMs: knownMs, maxKeys: mostModels, now })

  /** Findings by model and version: another version of a server may do otherwise. */
  const findings = new Map<string, ProbeFindings & { readonly atMs: number }>()
  const probed = async (
    model: string,
    { model: id, kind, version }: Pick<TextModelFacts, 'model' | 'kind' | 'version'>,
  ) => {
    const key = `${model}\n${version ?? ''}`
    const before = findings.get(key)
    if (before !== undefined && (version !== undefined || now() - before.atMs < unversionedMs)) return before
    const found = await inTime(probeMs, (signal) =>
      probeWays(
        { model: id, kind },
        {
          post: (path, body) => postJson(`${base}/${path}`, body, signal),
          postAtRoot: (path, body) => postJson(path, body, signal),
        },
      ),
    )
    if (findings.size >= mostModels) findings.clear()
    findings.set(key, { ...found, atMs: now() })
    return found
  }

  const describe = async (model: string): Promise<TextModelFacts> => {
    const { listed, kind, version, contextTokens } = await identities.get(model)
    // A gateway tells of one model what it would not find out for the whole list.
    const said = listed.isHither && listed.ways === undefined ? ((await findAlone(listed.id)) ?? listed) : listed
    const facts = {
      model: listed.id,
      kind: givenKind ?? said.kind ?? kind,
      ...given({
        version: said.version ?? version,
        contextTokens: said.contextTokens ?? contextTokens,
        tokenizer: said.tokenizer,
      }),
    }
    if (said.ways !== undefined) return { ...facts, ways: said.ways, waysKnown: 'said' }
    const { assumed, charges, tried } = kindFacts[facts.kind]
    if (!(probe ?? !charges) || tried.length === 0) {
      const ways = assumed.map((way) => ({ way, trims: true, losesBlanks: false, echoes: way === 'prefix' }))
      return { ...facts, ways, waysKnown: facts.kind === 'unknown' ? 'no' : 'assumed' }
    }
    try {
      const { ways, ids, fingerprint } = await probed(model, facts)
      const tokensOf = ids && { text: halfSentence, ids }
      return { ...facts, ...given({ tokensOf, version: facts.version ?? fingerprint }), ways, waysKnown: 'probed' }
    } catch {
      // It is there, but could not answer now: until it has been asked again, it is not asked to go on.
      return { ...facts, ways: [], waysKnown: 'no' }
    }
  }
  const known = holdValues({
    load: describe,
    holdMs: ({ waysKnown }) => (waysKnown === 'no' ? retryMs : knownMs),
    maxKeys: mostModels,
    now,
  })

  const forget = (model: string) => {
    known.forget(model)
    identities.forget(model)
  }

  return {
    get: known.get,
    peek: known.peek,
    async renew(model) {
      try {
        await identities.renew(model)
        return await known.renew(model)
      } catch (error) {
        forget(model)
        throw error
      }
    },
    async identify(model) {
      const { listed, kind } = await identities.get(model)
      return { model: listed.id, kind }
    },
    get base() {
      return base ?? ''
    },
    forget,
    noticeFingerprint(model, fingerprint) {
      const its = [...findings].filter(([key]) => key.startsWith(`${model}\n`))
      if (its.every(([, found]) => found.fingerprint === undefined || found.fingerprint === fingerprint)) return
      for (const [key] of its) findings.delete(key)
      forget(model)
    },
  }
}

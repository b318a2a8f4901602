import * as v from 'valibot'
import { endpointName } from '../../../cloud/base-url.ts'
import { openTextServer } from '../../../cloud/text/open-text-server.ts'
import type { TextModelFacts, TextServer } from '../../../cloud/text/text-server.ts'
import type { Manifest } from '../../../contracts/manifest.ts'
import { looseObject, strictObject } from '../../../contracts/object-schemas.ts'
import { ConfigError } from '../../../errors/config-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import type { TextPlace } from '../../../routing/text/learning/text-learner-types.ts'
import { baseAddress } from '../../../utils/page-address.ts'
import { toSentence } from '../../options/option-schemas.ts'
import type { EndpointOptions } from '../../types/client-options.ts'
import { tokenMoneySchema } from './text-prices.ts'

/** An arm, as a request for text sees it. */
export interface TextArmPlace {
  readonly ref: ArmRef
  /** Where its speeds are learned. */
  readonly at: TextPlace
  /** It has another model than the one that was asked for. */
  readonly isOther: boolean
  /** Its token ids are those of the model on this device. */
  readonly isSameTokenizer: boolean
  /** What is known of the model at an endpoint. */
  readonly facts?: TextModelFacts | undefined
  readonly contextTokens?: number | undefined
  /** It could write at all. */
  readonly mayWrite: boolean
  /** It could begin at once. */
  readonly isReady: boolean
}

/** An endpoint, as a server of text. */
export interface CloudText {
  readonly name: string
  readonly region: string | undefined
  readonly server: TextServer
  /** What its operator asks for, as the client's options say. */
  readonly money: Pick<EndpointOptions, 'moneyPer1000' | 'moneyPerToken'>
  /** What the server calls the model, and whether it is another one. */
  modelOf(manifest: Manifest): { readonly id: string; readonly isOther: boolean }
  has(manifest: Manifest): boolean | 'unknown'
  facts(manifest: Manifest): TextModelFacts | undefined
  /** Are the server's token ids those of the model on this device? False until that is known. */
  isSameTokenizer(manifest: Manifest): boolean
  /**
   * Asks the server for the model, where that is not known freshly. Never rejects.
   *
   * @param encode a text as the model's tokens on this device; undefined where it can't be had now
   */
  refresh(
    manifest: Manifest,
    encode: (text: string) => Promise<readonly number[] | undefined>,
    options?: {
      /** Also where that is known, unless it was asked in the last seconds: the model, or the server, may be gone. Default false. */
      readonly anew?: boolean
    },
  ): Promise<void>
}

/** The rest of an endpoint's options is checked when the client is made; these, which few have, with the first text. */
const ownSchema = looseObject({
  headers: v.optional(v.record(v.string(), v.string())),
  models: v.optional(
    v.record(v.string(), v.union([v.string(), strictObject({ id: v.string(), isOther: v.optional(v.boolean()) })])),
  ),
  probe: v.optional(v.boolean()),
  moneyPerToken: v.optional(tokenMoneySchema),
})

/** Are requests to it to be sealed? */
export const isSealed = ({ sealed = false }: EndpointOptions): boolean => sealed !== false

/** @throws {ConfigError} `config-invalid` */
function checkOwn(endpoint: EndpointOptions): void {
  const parsed = v.safeParse(ownSchema, endpoint)
  const isOpenable = endpoint.kind !== 'openai' || !isSealed(endpoint)
  if (parsed.success && isOpenable) return
  const sentence = parsed.success
    ? 'endpoint.sealed: only a Hither endpoint opens sealed requests'
    : toSentence(parsed.issues).replaceAll(/(^|; )/g, '$1endpoint.')
  throw new ConfigError('config-invalid', `These client options cannot be used. ${sentence}.`)
}

const tokenizerOf = ({ generation, files }: Manifest) =>
  files.find(({ path }) => path === generation?.tokenizer)?.sha256

const areEqual = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((id, at) => id === b[at])

/** A model that an endpoint lacks is asked for again after this time, as an operator may add it. */
const lacksMs = 60_000
/** What is asked for anew was not asked for so short a time ago: a page may look at every key that is pressed. */
const freshMs = 5_000

/** @param fetch a network that is pretended */
export function openCloudText(
  endpoint: EndpointOptions,
  fetch: typeof globalThis.fetch | undefined,
  nowMs: () => number = () => performance.now(),
): CloudText {
  const { token, headers, region, models = {}, probe } = endpoint
  checkOwn(endpoint)
  const url = new URL(endpoint.url, baseAddress())
  const server = openTextServer({ url, token, headers, probe, fetch })
  const lacks = new Map<string, number>()
  /** By model: when it was last asked for anew. */
  const askedAtMs = new Map<string, number>()
  /** By model: the ids of a text at the server were held against those here. */
  const held = new Map<string, boolean>()

  const modelOf: CloudText['modelOf'] = ({ name }) => {
    const named = Object.hasOwn(models, name) ? models[name] : undefined
    if (named === undefined) return { id: name, isOther: false }
    return typeof named === 'string' ? { id: named, isOther: false } : { id: named.id, isOther: named.isOther === true }
  }
  const facts = (manifest: Manifest) => server.known(modelOf(manifest).id)
  const lacksNow = (id: string) => nowMs() - (lacks.get(id) ?? Number.NEGATIVE_INFINITY) < lacksMs

  return {
    name: endpointName(url),
    region,
    server,
    money: endpoint,
    modelOf,
    has(manifest) {
      const { id } = modelOf(manifest)
      if (server.known(id) !== undefined) return true
      return lacksNow(id) ? false : 'unknown'
    },
    facts,
    isSameTokenizer(manifest) {
      const known = facts(manifest)
      if (known === undefined || modelOf(manifest).isOther) return false
      if (known.tokenizer !== undefined) return known.tokenizer === tokenizerOf(manifest)
      return held.get(known.model) ?? false
    },
    async refresh(manifest, encode, { anew = false } = {}) {
      const { id } = modelOf(manifest)
      if (lacksNow(id) && !anew) return
      try {
        const askedAgo = nowMs() - (askedAtMs.get(id) ?? Number.NEGATIVE_INFINITY)
        const isAnew = anew && askedAgo > freshMs
        if (isAnew) askedAtMs.set(id, nowMs())
        const { model, tokenizer, tokensOf } = await server.describe(id, { anew: isAnew })
        lacks.delete(id)
        if (tokenizer !== undefined || tokensOf === undefined || held.has(model)) return
        const ids = await encode(tokensOf.text)
        if (ids !== undefined) held.set(model, areEqual(ids, tokensOf.ids))
      } catch (error) {
        // One that can't be asked now shows when a request needs it.
        const isAbsent = isHitherError(error) && ['cloud-model-missing', 'cloud-bad-response'].includes(error.code)
        if (isAbsent) lacks.set(id, nowMs())
      }
    },
  }
}

import * as v from 'valibot'
import { looseObject } from '../../contracts/object-schemas.ts'
import type { ListedTextModel } from '../../protocol/text-server/model-listing.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'
import { given } from '../../utils/given.ts'

/** Asks for JSON below the server's root. Undefined where it has no such address, or that can't be read. */
export type AskJson = (path: string) => Promise<unknown>

/** What a server is. */
export interface DetectedServer {
  readonly kind: TextServerKind
  readonly version?: string
  readonly contextTokens?: number
}

const owners: ReadonlyMap<string, TextServerKind> = new Map([
  ['hither', 'hither'],
  ['vllm', 'vllm'],
  ['llamacpp', 'llama.cpp'],
  ['sglang', 'sglang'],
  ['library', 'ollama'],
  ['mistralai', 'mistral'],
  ['openai', 'openai'],
  ['openai-internal', 'openai'],
  ['system', 'openai'],
  ['ovms', 'openvino'],
])

const hosts: readonly (readonly [RegExp, TextServerKind])[] = [
  [/(^|\.)openai\.com$/, 'openai'],
  [/(^|\.)mistral\.ai$/, 'mistral'],
]

/** KServe and OpenVINO have the API at addresses of their own. */
const bases: ReadonlyMap<string, TextServerKind> = new Map([
  ['/openai/v1', 'kserve'],
  ['/v3', 'openvino'],
])

const text = v.nullish(v.string())
const count = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1)))

/** Addresses at which kinds of servers describe themselves, and what of the answer tells them by. */
const selves = {
  // Also Ollama's, but that is known by its models' owner or its own address below.
  vllm: { path: '/version', schema: looseObject({ version: v.string() }) },
  ollama: { path: '/api/version', schema: looseObject({ version: v.string() }) },
  'llama.cpp': {
    path: '/props',
    schema: looseObject({
      build_info: text,
      default_generation_settings: looseObject({ n_ctx: count }),
    }),
  },
  tgi: {
    path: '/info',
    schema: looseObject({ model_id: v.string(), version: text, max_total_tokens: count }),
  },
  sglang: {
    path: '/get_server_info',
    schema: looseObject({ version: text, context_length: count, tp_size: v.number() }),
  },
  // Its models' owner is `me`, which says little; other frameworks' servers have this address with other titles.
  'llama-cpp-python': {
    path: '/openapi.json',
    schema: v.pipe(
      looseObject({
        info: looseObject({ title: v.pipe(v.string(), v.includes('llama.cpp Python API')), version: text }),
      }),
      v.transform(({ info }) => ({ version: info.version })),
    ),
  },
} as const

type SelfDescribing = keyof typeof selves

/** Asked in this order where nothing else tells: the first answers belong to one kind alone. */
const order: readonly SelfDescribing[] = ['llama.cpp', 'tgi', 'sglang', 'ollama', 'vllm', 'llama-cpp-python']

async function askItself(kind: SelfDescribing, ask: AskJson): Promise<DetectedServer | undefined> {
  const { path, schema } = selves[kind]
  const parsed = v.safeParse(schema as v.GenericSchema<unknown, Readonly<Record<string, unknown>>>, await ask(path))
  if (!parsed.success) return undefined
  const { version, build_info: build, max_total_tokens: total, context_length: length } = parsed.output
  const settings = parsed.output.default_generation_settings as { readonly n_ctx?: number } | undefined
  const tokens = [total, length, settings?.n_ctx].find((value) => typeof value === 'number')
  const own = [version, build].find((value) => typeof value === 'string')
  return { kind, ...given({ version: own as string | undefined, contextTokens: tokens as number | undefined }) }
}

/**
 * What a server of OpenAI's API is: by its host, the address of its API, the owner of its models; else by the addresses
 * at which servers describe themselves.
 *
 * @param server.host its host's name
 * @param server.base the API's address below its root
 */
export async function detectServer(
  server: { readonly host: string; readonly base: string; readonly model: ListedTextModel },
  ask: AskJson,
): Promise<DetectedServer> {
  const { host, base, model } = server
  const kind =
    model.kind ??
    hosts.find(([pattern]) => pattern.test(host))?.[1] ??
    // A gateway's list does not say what is behind it.
    (model.isHither ? (model.ways === undefined ? 'unknown' : 'hither') : undefined) ??
    bases.get(base) ??
    owners.get(model.ownedBy.toLowerCase())
  if (kind !== undefined) {
    // Its version tells whether what was found out of it still holds.
    const itself = model.version === undefined && Object.hasOwn(selves, kind) ? kind : undefined
    return (
      (itself && (await askItself(itself as SelfDescribing, ask))) ?? { kind, ...given({ version: model.version }) }
    )
  }
  for (const each of order) {
    const found = await askItself(each, ask)
    if (found !== undefined) return found
  }
  return { kind: 'unknown' }
}

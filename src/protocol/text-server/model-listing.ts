import * as v from 'valibot'
import { looseObject } from '../../contracts/object-schemas.ts'
import { given } from '../../utils/given.ts'
import { type GoOnWay, goOnWays, type KnownWay } from './go-on-way.ts'
import { type TextServerKind, textServerKinds } from './server-kind.ts'

const countSchema = v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(1)))
const flagSchema = v.nullish(v.boolean())

/**
 * What a Hither endpoint or gateway says of a language model, as `hither` in its description at `GET /v1/models/MODEL`.
 * A gateway says what it has found out, so that its clients need not probe.
 */
const hitherSchema = looseObject({
  kind: v.nullish(v.string()),
  /** The ways, the most exact one first. */
  continues: v.nullish(v.array(v.string())),
  trims: flagSchema,
  losesBlanks: flagSchema,
  echoes: flagSchema,
  version: v.nullish(v.string()),
  contextTokens: countSchema,
  tokenizerSha256: v.nullish(v.string()),
})

const modelSchema = looseObject({
  id: v.string(),
  owned_by: v.nullish(v.unknown()),
  // vLLM and SGLang.
  max_model_len: countSchema,
  // llama.cpp.
  meta: v.nullish(looseObject({ n_ctx: countSchema, n_ctx_train: countSchema })),
  // Mistral, OpenRouter and others.
  max_context_length: countSchema,
  context_length: countSchema,
  hither: v.nullish(hitherSchema),
})

const listSchema = looseObject({ data: v.array(modelSchema) })

/** A model as a server of OpenAI's API lists or describes it. */
export interface ListedTextModel {
  readonly id: string
  readonly ownedBy: string
  readonly contextTokens?: number
  readonly tokenizer?: string
  readonly kind?: TextServerKind
  readonly version?: string
  /** It is a Hither endpoint's or gateway's: asked for this model alone, that says how it goes on. */
  readonly isHither: boolean
  /** The ways in which it goes on, where it says so. */
  readonly ways?: readonly KnownWay[]
}

function toListed(model: v.InferOutput<typeof modelSchema>): ListedTextModel {
  const { id, owned_by: ownedBy, meta, hither } = model
  const habits = {
    // Where nothing is said, blanks at the end of an answer are not sent.
    trims: hither?.trims ?? true,
    losesBlanks: hither?.losesBlanks ?? false,
    echoes: hither?.echoes ?? false,
  }
  const said = hither?.continues
  return {
    id,
    ownedBy: typeof ownedBy === 'string' ? ownedBy : '',
    isHither: hither !== undefined && hither !== null,
    ...given({
      contextTokens:
        hither?.contextTokens ??
        model.max_model_len ??
        meta?.n_ctx ??
        model.max_context_length ??
        model.context_length ??
        meta?.n_ctx_train ??
        undefined,
      tokenizer: hither?.tokenizerSha256 ?? undefined,
      kind: textServerKinds.find((kind) => kind === hither?.kind),
      version: hither?.version ?? undefined,
      // A newer endpoint may know ways that this version does not.
      ways: said ? goOnWays.filter((way) => said.includes(way)).map((way) => ({ way, ...habits })) : undefined,
    }),
  }
}

/** Reads the list of `GET /v1/models`; undefined where it is none. */
export function readTextModels(json: unknown): readonly ListedTextModel[] | undefined {
  const list = v.safeParse(listSchema, json)
  return list.success ? list.output.data.map(toListed) : undefined
}

/** Reads what `GET /v1/models/MODEL` answers; undefined where it is no model. */
export function readTextModel(json: unknown): ListedTextModel | undefined {
  const model = v.safeParse(modelSchema, json)
  return model.success ? toListed(model.output) : undefined
}

/** What a gateway says of a model: read by `readTextModel`. Habits that hold for one of the ways are said of all. */
export function toHitherMetadata(facts: {
  readonly kind: TextServerKind
  readonly ways: readonly KnownWay[]
  readonly version?: string | undefined
  readonly contextTokens?: number | undefined
  readonly tokenizer?: string | undefined
}): Readonly<Record<string, unknown>> {
  const { kind, ways, version, contextTokens, tokenizer } = facts
  const texts = ways.filter(({ way }) => way !== 'token-ids')
  const flag = (holds: boolean) => (holds ? true : undefined)
  return {
    kind,
    continues: ways.map(({ way }): GoOnWay => way),
    ...given({
      trims: texts.some(({ trims }) => trims),
      losesBlanks: flag(texts.some(({ losesBlanks }) => losesBlanks)),
      echoes: flag(texts.some(({ echoes }) => echoes)),
      version,
      contextTokens,
      tokenizerSha256: tokenizer,
    }),
  }
}

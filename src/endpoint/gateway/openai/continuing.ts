import type { TextModelFacts } from '../../../cloud/text/text-server.ts'
import type { GoOnWay, KnownWay } from '../../../protocol/text-server/go-on-way.ts'
import { toHitherMetadata } from '../../../protocol/text-server/model-listing.ts'
import type { TextServerKind } from '../../../protocol/text-server/server-kind.ts'

/** What is so at all of them; undefined where they differ. */
function same<T>(values: readonly T[]): T | undefined {
  const [first] = values
  return values.every((value) => value === first) ? first : undefined
}

/** Ways by which a chat is gone on with: each is put into the words of the upstream that a request comes to. */
const ofChats: ReadonlySet<GoOnWay> = new Set(['continue-final-message', 'trailing-message', 'prefix'])

/**
 * What is passed on as it is must be so at all of them, and the habits that one has are told: a client can't know which it
 * will get. A chat's last message is gone on with where one of them can, and without a habit: the gateway sees to it.
 */
function waysOfAll(facts: readonly TextModelFacts[]): readonly KnownWay[] {
  const [first, ...others] = facts
  const passedOn = (first?.ways ?? []).flatMap((known) => {
    const all = [known, ...others.map(({ ways }) => ways.find(({ way }) => way === known.way))]
    if (ofChats.has(known.way) || all.includes(undefined)) return []
    const has = (habit: 'trims' | 'losesBlanks' | 'echoes') => all.some((each) => each?.[habit] === true)
    return [{ way: known.way, trims: has('trims'), losesBlanks: has('losesBlanks'), echoes: has('echoes') }]
  })
  if (!facts.some(({ ways }) => ways.some(({ way }) => ofChats.has(way)))) return passedOn
  return [...passedOn, { way: 'continue-final-message', trims: false, losesBlanks: false, echoes: false }]
}

/**
 * How a model goes on with a half-finished answer at the gateway, at whichever of its upstreams a request comes to: its
 * `hither` in the gateway's `GET /v1/models/MODEL`, so that clients need not probe.
 */
export function continuingOf(facts: readonly TextModelFacts[]): Readonly<Record<string, unknown>> {
  const contexts = facts.flatMap(({ contextTokens }) => (contextTokens === undefined ? [] : [contextTokens]))
  const kind: TextServerKind = same(facts.map((each) => each.kind)) ?? 'gateway'
  return toHitherMetadata({
    kind,
    ways: waysOfAll(facts),
    version: same(facts.map(({ version }) => version)),
    contextTokens: contexts.length === 0 ? undefined : Math.min(...contexts),
    tokenizer: same(facts.map(({ tokenizer }) => tokenizer)),
  })
}

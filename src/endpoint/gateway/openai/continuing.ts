import type { TextModelFacts } from '../../../cloud/text/text-server.ts'
import type { KnownWay } from '../../../protocol/text-server/go-on-way.ts'
import { toHitherMetadata } from '../../../protocol/text-server/model-listing.ts'
import type { TextServerKind } from '../../../protocol/text-server/server-kind.ts'

/** What is so at all of them; undefined where they differ. */
function same<T>(values: readonly T[]): T | undefined {
  const [first] = values
  return values.every((value) => value === first) ? first : undefined
}

/** Habits that one of them has are told of all: a client can't know which it will get. */
function waysOfAll(facts: readonly TextModelFacts[]): readonly KnownWay[] {
  const [first, ...others] = facts
  return (first?.ways ?? []).flatMap((known) => {
    const all = [known, ...others.map(({ ways }) => ways.find(({ way }) => way === known.way))]
    if (all.includes(undefined)) return []
    const has = (habit: 'trims' | 'losesBlanks' | 'echoes') => all.some((each) => each?.[habit] === true)
    return [{ way: known.way, trims: has('trims'), losesBlanks: has('losesBlanks'), echoes: has('echoes') }]
  })
}

/**
 * How a model goes on with a half-finished answer at whichever of its upstreams a request comes to: a model's `hither` in
 * the gateway's `GET /v1/models/MODEL`, so that clients need not probe.
 */
export function continuingOf(facts: readonly TextModelFacts[]): Readonly<Record<string, unknown>> {
  const contexts = facts.flatMap(({ contextTokens }) => (contextTokens === undefined ? [] : [contextTokens]))
  const kind: TextServerKind = same(facts.map((each) => each.kind)) ?? 'unknown'
  return toHitherMetadata({
    kind,
    ways: waysOfAll(facts),
    version: same(facts.map(({ version }) => version)),
    contextTokens: contexts.length === 0 ? undefined : Math.min(...contexts),
    tokenizer: same(facts.map(({ tokenizer }) => tokenizer)),
  })
}

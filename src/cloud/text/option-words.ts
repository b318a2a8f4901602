import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'
import { generalOptions, kindFacts } from './kind-facts.ts'

/** Values that leave the choice of a token as it is, by option. */
const neutral: Readonly<Record<string, readonly unknown[]>> = {
  topK: [0, -1],
  minP: [0],
  repetitionPenalty: [1],
  presencePenalty: [0],
  frequencyPenalty: [0],
}

/** Has a request options that are not OpenAI's, and which servers call by several names? */
export const hasOwnNames = (values: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(generalOptions).some(
    ([option, name]) => !Object.hasOwn(kindFacts.unknown.options, option) && values[name] !== undefined,
  )

/**
 * Options of a request that has them by their general names, in the words of a server: those that it calls otherwise are
 * renamed, and those that it does not know are left out where they change nothing. The rest stays for the server to refuse.
 *
 * @param values fields of the request, by name
 * @returns the fields that change; undefined: it is left out
 */
export function toOptionWords(
  kind: TextServerKind,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { options } = kindFacts[kind]
  const changes = Object.entries(generalOptions).flatMap(([option, name]): [string, unknown][] => {
    const value = values[name]
    const own = options[option as keyof typeof options]
    if (value === undefined || own === name) return []
    if (own === undefined) return neutral[option]?.includes(value) === true ? [[name, undefined]] : []
    // What the client says in the server's own words holds.
    return values[own] === undefined
      ? [
          [name, undefined],
          [own, value],
        ]
      : [[name, undefined]]
  })
  return Object.fromEntries(changes)
}

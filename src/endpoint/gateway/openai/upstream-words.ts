import { hasOwnNames, toOptionWords } from '../../../cloud/text/option-words.ts'
import type { TextServerKind } from '../../../protocol/text-server/server-kind.ts'
import { abortable } from '../../../utils/abortable.ts'
import type { Timers } from '../../../utils/with-deadline.ts'
import { within } from '../../../utils/within.ts'
import type { TextFields } from '../../codec/text-fields.ts'
import { kindOf } from '../continuing/legs/text-upstreams.ts'
import type { Upstream } from '../upstreams/upstream.ts'

/** Milliseconds that an upstream has to say what it is, while a client waits. */
const identifyMs = 10_000

/**
 * What changes in a request's options so that this upstream understands them. What it is it is asked only where the request
 * has options that servers call by several names, and by then without tokens.
 *
 * @returns fields that change; none where it could not say what it is
 */
export async function upstreamWords(
  upstream: Upstream,
  model: string,
  { isPlain, values }: TextFields,
  { signal, timers }: { readonly signal: AbortSignal; readonly timers: Timers },
): Promise<Readonly<Record<string, unknown>>> {
  if (!isPlain) return {}
  const identify = async (): Promise<TextServerKind | undefined> => {
    const late = () => new Error('the upstream did not say in time what it is')
    const asked = within(upstream.texts.identify(model), identifyMs, late, timers)
    const identity = await abortable(asked, signal).catch(() => undefined)
    return identity?.kind
  }
  const kind = kindOf(upstream, model) ?? (hasOwnNames(values) ? await identify() : undefined)
  return kind === undefined ? {} : toOptionWords(kind, values)
}

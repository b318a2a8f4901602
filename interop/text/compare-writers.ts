import { nearTie } from '../../bench/generate/near-tie.ts'
import type { CloudTextEnd, CloudWriteRequest, TextServer } from '../../src/cloud/text/text-server.ts'
import type { Smollm2Text } from './smollm2-text.ts'

/** Text as it came, and the ids that it is made of, where the server gives them. */
export interface WrittenPart {
  readonly text: string
  readonly ids: readonly number[]
}

/** An answer, or the rest of one. */
export interface Written {
  readonly parts: readonly WrittenPart[]
  readonly text: string
  readonly promptIds: readonly number[]
  readonly tokens: number
  readonly end: CloudTextEnd
}

const patience = { firstSilenceMs: 300_000, silenceMs: 120_000, maxWaitMs: 60_000 }

/** Has a server write, and keeps all that it says. @param options.onText told how many pieces have come */
export async function written(
  server: TextServer,
  request: CloudWriteRequest,
  options: { readonly onText?: (parts: number) => void; readonly signal?: AbortSignal } = {},
): Promise<Written> {
  const parts: WrittenPart[] = []
  let promptIds: readonly number[] = []
  let tokens = 0
  // A character of several tokens is shown with the last of them.
  let waiting: number[] = []
  const end = await server.write(request, {
    ...patience,
    signal: options.signal,
    onPart(part) {
      if (part.type === 'begun') promptIds = part.promptIds ?? []
      if (part.type !== 'text') return
      tokens += part.tokens
      waiting.push(...(part.ids ?? []))
      if (part.text === '') return
      parts.push({ text: part.text, ids: waiting })
      waiting = []
      options.onText?.(parts.length)
    },
  })
  return { parts, text: parts.map(({ text }) => text).join(''), promptIds, tokens, end }
}

/** Where a text parts from another one: the text up to there, and the tokens that do not follow it. */
interface Parting {
  readonly text: string
  readonly ids: readonly number[]
}

/**
 * Where an answer of our endpoint parts from what another one has written in its place.
 *
 * @param shown the text before its parts
 * @param other that text and what follows, as the other one has it
 */
function partingOf(
  shown: string,
  ours: Pick<Written, 'parts' | 'end'>,
  other: { readonly text: string; readonly reason: CloudTextEnd['reason'] },
): Parting | undefined {
  let text = shown
  for (const part of ours.parts) {
    const longer = text + part.text
    if (!other.text.startsWith(longer)) {
      const isCutShort = other.reason === 'length' && longer.startsWith(other.text)
      return isCutShort ? undefined : { text, ids: part.ids }
    }
    text = longer
  }
  return other.text === text || ours.end.reason === 'length' ? undefined : { text, ids: [] }
}

/** By how much our endpoint's first choice after these ids is better than its second, in logits. */
async function leadAfter(endpoint: string, model: string, ids: readonly number[]): Promise<number> {
  const answer = await fetch(`${endpoint}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt: ids, max_tokens: 1, temperature: 0, logprobs: 2 }),
  })
  if (!answer.ok) throw new Error(`the endpoint answered ${answer.status}: ${await answer.text()}`)
  const { choices } = (await answer.json()) as {
    readonly choices: readonly { readonly logprobs: { readonly top_logprobs: readonly Record<string, number>[] } }[]
  }
  // Of two logarithms of probabilities, the difference is that of the logits.
  const [first = 0, second = first] = Object.values(choices[0]?.logprobs.top_logprobs[0] ?? {}).sort((a, b) => b - a)
  return first - second
}

/** How two texts compare: the same to the end, or up to where two tokens were as good as equal. */
export type Likeness = 'same' | 'near-tie' | { readonly parted: string; readonly lead: number }

/** Compares an answer of our endpoint with another one's, greedy, from the same weights. */
export async function compareWritten(
  ours: Pick<Written, 'parts' | 'end'>,
  other: { readonly text: string; readonly reason: CloudTextEnd['reason'] },
  about: {
    readonly shown: string
    readonly promptText: string
    readonly text: Smollm2Text
    readonly endpoint: string
    readonly model: string
  },
): Promise<Likeness> {
  const { shown, promptText, text, endpoint, model } = about
  const parting = partingOf(shown, ours, other)
  if (parting === undefined) return 'same'
  const before = text.codec.encode(promptText + parting.text, { whole: false })
  const leads: number[] = []
  for (let count = 0; count < Math.max(1, parting.ids.length); count += 1) {
    leads.push(await leadAfter(endpoint, model, [...before, ...parting.ids.slice(0, count)]))
  }
  const lead = Math.min(...leads)
  if (lead < nearTie) return 'near-tie'
  const at = parting.text.length
  return {
    parted: `${JSON.stringify(parting.text.slice(-30))} goes on as ${JSON.stringify(other.text.slice(at, at + 30))}`,
    lead,
  }
}

/** What came of many. @throws {Error} texts part where no two tokens are nearly equal */
export function summary(all: readonly Likeness[]): string {
  const far = all.flatMap((each) => (typeof each === 'string' ? [] : [`${each.parted}, lead ${each.lead.toFixed(2)}`]))
  if (far.length > 0) throw new Error(`${far.length} of ${all.length} part: ${far.join('; ')}`)
  const ties = all.filter((each) => each === 'near-tie').length
  return `${all.length - ties} of ${all.length} to the end${ties === 0 ? '' : `, ${ties} to a near-tie`}`
}

import { isHitherError } from '../../errors/hither-error.ts'
import type { GoOnWay, KnownWay } from '../../protocol/text-server/go-on-way.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'
import { parseTextChunk, type TextChunk } from '../../protocol/text-server/text-chunk.ts'
import { kindFacts } from './kind-facts.ts'

/** Half of a sentence that every language model has read often: the next letters are "zy". */
export const halfSentence = 'The quick brown fox jumps over the la'
/** The same up to the end of a word, and with the blank behind it: the next word shows what becomes of blanks. */
const wordEnd = 'The quick brown fox jumps over the'
const withBlank = `${wordEnd} `

const question = { role: 'user', content: 'Write a sentence that has every letter of the alphabet.' }
const tokens = 3

/** Posts JSON below the API's base, or below the server's root, and gives the JSON that comes. */
export interface ProbeCalls {
  /** @throws {CloudError} */
  readonly post: (path: string, body: unknown) => Promise<unknown>
  readonly postAtRoot: (path: string, body: unknown) => Promise<unknown>
}

/** What a probe has found. */
export interface ProbeFindings {
  readonly ways: readonly KnownWay[]
  /** The half sentence's ids by the server's own tokenizer, where it gives them. */
  readonly ids?: readonly number[] | undefined
  readonly fingerprint?: string | undefined
}

/** The server does not take such a request. What else fails says nothing of it. */
const isRefusal = (error: unknown): boolean =>
  isHitherError(error) &&
  (['cloud-refused', 'cloud-model-missing', 'cloud-too-large', 'cloud-bad-response'].includes(error.code) ||
    [500, 501].includes(Number(error.context.status)))

/** A request for a few tokens that go on from this text. */
function bodyOf(model: string, way: GoOnWay, text: string | readonly number[]): Readonly<Record<string, unknown>> {
  const common = { model, max_tokens: tokens, temperature: 0 }
  if (way === 'token-ids' || way === 'text') return { ...common, prompt: text }
  const last = { role: 'assistant', content: text, ...(way === 'prefix' ? { prefix: true } : {}) }
  const field = way === 'continue-final-message' ? { continue_final_message: true, add_generation_prompt: false } : {}
  return { ...common, messages: [question, last], ...field }
}

const pathOf = (way: GoOnWay) => (way === 'token-ids' || way === 'text' ? 'completions' : 'chat/completions')

/**
 * Finds out whether and how a server goes on with an answer: it is given half of a sentence. One that does not know the
 * field greets, or begins the sentence anew. A few requests of three tokens each.
 *
 * @throws {CloudError} it could not be asked now
 */
export async function probeWays(
  { model, kind }: { readonly model: string; readonly kind: TextServerKind },
  calls: ProbeCalls,
): Promise<ProbeFindings> {
  const { assumed, tried, givesIds } = kindFacts[kind]
  let fingerprint: string | undefined

  const write = async (way: GoOnWay, text: string | readonly number[], more = {}): Promise<TextChunk | undefined> => {
    try {
      const chunk = parseTextChunk(await calls.post(pathOf(way), { ...bodyOf(model, way, text), ...more }))
      fingerprint ??= chunk.fingerprint
      return chunk
    } catch (error) {
      if (isRefusal(error)) return undefined
      throw error
    }
  }

  /** @returns undefined where it does not go on from a text in this way */
  const tryText = async (
    way: GoOnWay,
    more = {},
  ): Promise<{ readonly known: KnownWay; readonly ids?: readonly number[] | undefined } | undefined> => {
    const answer = await write(way, halfSentence, more)
    if (answer === undefined) return undefined
    const echoes = answer.text.startsWith(halfSentence)
    const text = echoes ? answer.text.slice(halfSentence.length) : answer.text
    // A small model may not know the sentence. Servers of a known kind put a completion's text into no template.
    const isPlain = way === 'text' && assumed.includes('text') && answer.text !== ''
    if (!/^zy/i.test(text) && !isPlain) return undefined
    const ids = answer.promptIds
    return { known: { way, echoes, ...(await blanksOf(way, echoes)) }, ...(ids === undefined ? {} : { ids }) }
  }

  const blanksOf = async (way: GoOnWay, echoes: boolean) => {
    const next = async (sent: string) => {
      const text = (await write(way, sent))?.text ?? ''
      if (!echoes) return text
      return text.startsWith(sent) ? text.slice(sent.length) : text.slice(sent.trimEnd().length)
    }
    const losesBlanks = /^lazy/i.test(await next(wordEnd))
    // One that loses blanks does not show whether it cuts them off: they are never sent to it.
    return { losesBlanks, trims: losesBlanks || !/^lazy/i.test(await next(withBlank)) }
  }

  const found: KnownWay[] = []
  let ids: readonly number[] | undefined
  for (const way of tried.filter((each) => each !== 'token-ids')) {
    const result = await tryText(way, way === 'text' && givesIds ? { return_token_ids: true } : {})
    if (result === undefined) continue
    found.push(result.known)
    ids ??= way === 'text' ? result.ids : undefined
  }
  if (tried.includes('token-ids') && found.some(({ way }) => way === 'text')) {
    ids ??= await askIds(model, calls)
    const answer = ids && (await write('token-ids', ids))
    const isKnown = assumed.includes('token-ids') && answer?.text !== ''
    if (answer !== undefined && (/^zy/i.test(answer.text) || isKnown)) {
      found.unshift({ way: 'token-ids', trims: false, losesBlanks: false, echoes: false })
    }
  }
  return { ways: found, ids, fingerprint }
}

/** vLLM and SGLang split a `prompt`, llama.cpp `content`; all call the answer `tokens`. */
async function askIds(model: string, { postAtRoot }: ProbeCalls): Promise<readonly number[] | undefined> {
  try {
    const answer = (await postAtRoot('/tokenize', { model, prompt: halfSentence, content: halfSentence })) as {
      readonly tokens?: unknown
    } | null
    const ids = answer?.tokens
    const areIds = Array.isArray(ids) && ids.length > 0 && ids.every((id) => Number.isSafeInteger(id) && id >= 0)
    return areIds ? (ids as readonly number[]) : undefined
  } catch (error) {
    if (isHitherError(error)) return undefined
    throw error
  }
}

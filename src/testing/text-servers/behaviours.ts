import { type Recital, renderChat, splitAnswer } from './recital.ts'

/** How a fake server goes on with a half-finished answer, after the servers of the field. */
export interface TextBehaviour {
  /** `owned_by` of its models. */
  readonly owner: string
  /** `/completions`: by ids and text, by text, or not at all. */
  readonly completions: 'ids' | 'text' | 'none'
  /** What it does with a last message of the assistant. */
  readonly chat: 'continues' | 'trailing' | 'prefix' | 'ignores' | 'refuses'
  /** Its template cuts blanks off. */
  readonly trims: boolean
  /** Blanks at the beginning of what it writes are lost. */
  readonly losesBlanks: boolean
  /** It gives back what it was sent. */
  readonly echoes: boolean
  /** It knows `return_token_ids`, `/tokenize` and, of Hither, `hither_answer_tokens`. */
  readonly ids: 'none' | 'returned' | 'hither'
}

const plain = { trims: false, losesBlanks: false, echoes: false, ids: 'none' } as const

export const textBehaviours = {
  /** vLLM. */
  byIds: { ...plain, owner: 'vllm', completions: 'ids', chat: 'continues', ids: 'returned' },
  /** Ours. */
  hither: { ...plain, owner: 'hither', completions: 'ids', chat: 'continues', ids: 'hither' },
  /** SGLang behind a proxy that has no completions. */
  continues: { ...plain, owner: 'somebody', completions: 'none', chat: 'continues' },
  /** TGI. */
  byText: { ...plain, owner: 'somebody', completions: 'text', chat: 'ignores' },
  /** llama-cpp-python. */
  byTextAlone: { ...plain, owner: 'me', completions: 'text', chat: 'ignores' },
  /** llama.cpp with most templates. */
  trailing: { ...plain, owner: 'somebody', completions: 'none', chat: 'trailing', trims: true },
  /** transformers with a tokenizer of SentencePiece. */
  losesBlanks: { ...plain, owner: 'somebody', completions: 'none', chat: 'continues', trims: true, losesBlanks: true },
  /** Mistral's API. */
  echoes: { ...plain, owner: 'mistralai', completions: 'none', chat: 'prefix', echoes: true },
  /** OpenVINO: the field is not known, and the turn counts as finished. */
  ignores: { ...plain, owner: 'somebody', completions: 'none', chat: 'ignores' },
  /** Claude's newer models. */
  refuses: { ...plain, owner: 'somebody', completions: 'none', chat: 'refuses' },
} as const satisfies Record<string, TextBehaviour>

/** One token of an answer; or text without one, as what was held back. */
export interface FakeToken {
  readonly id: number | undefined
  readonly text: string
}

/** An answer that is a text. */
export interface FakeText {
  readonly tokens: readonly FakeToken[]
  readonly finish: 'stop' | 'length'
  /** A stop string has ended it, in the middle of its last token: that is told in one event, as servers do. */
  readonly isStopped?: boolean
  readonly promptIds: readonly number[]
}

export type FakeAnswer = FakeText | { readonly status: number; readonly error: string }

interface FakeMessage {
  readonly role: string
  readonly content: string
  readonly prefix?: boolean
}

/** A request as the fake servers read it. */
export interface FakeBody {
  readonly prompt?: string | readonly number[]
  readonly messages?: readonly FakeMessage[]
  readonly max_tokens?: number
  readonly stop?: readonly string[]
  readonly continue_final_message?: boolean
  readonly add_generation_prompt?: boolean
  readonly hither_answer_tokens?: number
}

const refused = (error: string) => ({ status: 400, error })

/** Tokens with the text that is whole by each: a character of several bytes comes with its last one. */
function toTokens(recital: Recital, ids: readonly number[], before: readonly number[] = []): FakeToken[] {
  const decoder = new TextDecoder()
  decoder.decode(recital.bytes(before), { stream: true })
  return ids.map((id) => ({ id, text: decoder.decode(recital.bytes([id]), { stream: true }) }))
}

/** Ends at the limit, or before a stop string of what it writes itself: of that, nothing is told. */
function limited(tokens: readonly FakeToken[], body: FakeBody, promptIds: readonly number[]): FakeAnswer {
  const { max_tokens: most = tokens.length, stop: stops = [] } = body
  const kept: FakeToken[] = []
  let text = ''
  for (const token of tokens.slice(0, most)) {
    kept.push(token)
    text += token.text
    const [first] = stops
      .map((stop) => ({ at: text.indexOf(stop), end: text.indexOf(stop) + stop.length }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.end - b.end || a.at - b.at)
    if (first === undefined) continue
    let left = first.at
    const told = kept.map(({ id, text: whole }) => {
      const some = whole.slice(0, left)
      left -= some.length
      return { id, text: some }
    })
    return { tokens: told, finish: 'stop', isStopped: true, promptIds }
  }
  return { tokens: kept, finish: tokens.length > most ? 'length' : 'stop', promptIds }
}

function complete(behaviour: TextBehaviour, { prompt = '', ...body }: FakeBody, recital: Recital): FakeAnswer {
  if (behaviour.completions === 'none') return { status: 404, error: 'there is no such address' }
  if (typeof prompt === 'string') {
    const { prompt: before, begun } = splitAnswer(prompt)
    return limited(toTokens(recital, recital.rest(before, begun)), body, recital.encode(prompt))
  }
  if (behaviour.completions !== 'ids') return refused('prompt: input should be a valid string')
  const mine = behaviour.ids === 'hither' ? (body.hither_answer_tokens ?? 0) : 0
  const answer = mine === 0 ? [] : prompt.slice(-mine)
  const rest = recital.restOfIds(prompt)
  const limit = body.max_tokens === undefined ? {} : { max_tokens: body.max_tokens - mine }
  // Ours goes on exactly: text that may be a stop string's beginning is told once that is certain.
  const held = mine === 0 ? '' : heldOf(recital.decode(answer).replace(/\ufffd$/, ''), body.stop ?? [])
  const tokens = toTokens(recital, rest, answer)
  const [first, ...others] = tokens
  const lead = held === '' ? [] : [{ id: undefined, text: held }]
  const led = first === undefined ? lead : [{ ...first, text: held + first.text }, ...others]
  return limited(led, { ...body, ...limit }, prompt)
}

/** The end of a text that may be the beginning of a stop string. */
function heldOf(text: string, stops: readonly string[]): string {
  for (let length = Math.min(text.length, 40); length > 0; length -= 1) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.length > length && stop.startsWith(end))) return end
  }
  return ''
}

function chat(behaviour: TextBehaviour, body: FakeBody, recital: Recital): FakeAnswer {
  const trim = (text: string) => (behaviour.trims ? text.trim() : text)
  const messages = (body.messages ?? []).map((message) => ({ ...message, content: trim(message.content) }))
  const last = messages.at(-1)
  const fresh = (given: readonly FakeMessage[]) => {
    const prompt = renderChat(given)
    return limited(toTokens(recital, recital.rest(splitAnswer(prompt).prompt, '')), body, recital.encode(prompt))
  }
  if (last?.role !== 'assistant') return fresh(messages)
  if (behaviour.chat === 'refuses') return refused('the last message must be of the role user')
  const asked =
    behaviour.chat === 'trailing' ||
    (behaviour.chat === 'continues' && body.continue_final_message === true && body.add_generation_prompt === false) ||
    (behaviour.chat === 'prefix' && last.prefix === true)
  // The message counts as a finished turn, and another one begins.
  if (behaviour.chat === 'ignores' || !asked) return fresh(messages)
  const before = splitAnswer(renderChat(messages.slice(0, -1))).prompt
  const tokens = toTokens(recital, recital.rest(before, last.content))
  const [first, ...others] = tokens
  if (first === undefined) return limited([], body, [])
  const text = behaviour.losesBlanks ? first.text.trimStart() : first.text
  const promptIds = recital.encode(renderChat(messages.slice(0, -1)) + last.content)
  const answer = limited([{ ...first, text }, ...others], body, promptIds)
  if (!behaviour.echoes || !('tokens' in answer)) return answer
  // Stop strings are looked for in what it writes, not in what it gives back.
  const [head, ...tail] = answer.tokens
  return head === undefined ? answer : { ...answer, tokens: [{ ...head, text: last.content + head.text }, ...tail] }
}

/** The ids of tokens. */
export const idsOf = (tokens: readonly FakeToken[]): readonly number[] =>
  tokens.flatMap(({ id }) => (id === undefined ? [] : [id]))

/** What a server of this behaviour answers: a pure function of the request. */
export const answerAs = (
  behaviour: TextBehaviour,
  path: 'completions' | 'chat/completions',
  body: FakeBody,
  recital: Recital,
): FakeAnswer => (path === 'completions' ? complete : chat)(behaviour, body, recital)

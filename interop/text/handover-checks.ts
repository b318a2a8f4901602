import type { CloudWriteRequest, GoOn, TextServer } from '../../src/cloud/text/text-server.ts'
import type { ChatMessage } from '../../src/contracts/chat.ts'
import { answerOfIds } from '../../src/generation/handover/answer-of-ids.ts'
import { greedy } from '../../src/generation/sampling/sampling.ts'
import type { GoOnWay } from '../../src/protocol/text-server/go-on-way.ts'
import { compareWritten, type Likeness, summary, type Written, written } from './compare-writers.ts'
import type { Finding } from './must.ts'
import type { Smollm2Text } from './smollm2-text.ts'

const asked: readonly (readonly ChatMessage[])[] = [
  [{ role: 'user', content: 'Explain gravity to a child in two sentences.' }],
  [{ role: 'user', content: 'Write a short story about a dog that finds a key.' }],
]
const tokens = 32
/** Tokens that the first one has written when the other one takes over. */
const cuts = [1, 9, 20]

interface Sides {
  readonly ours: { readonly server: TextServer; readonly url: string; readonly model: string }
  readonly theirs: { readonly server: TextServer; readonly model: string }
  readonly text: Smollm2Text
}

/** What both write of each conversation when nobody disturbs them. */
interface Undisturbed {
  readonly messages: readonly ChatMessage[]
  readonly promptText: string
  readonly ours: Written
  readonly theirs: Written
}

const requestOf = (model: string, messages: readonly ChatMessage[]): CloudWriteRequest => ({
  model,
  prompt: { messages },
  sampling: greedy,
  stops: [],
  maxTokens: tokens,
})

/** Hands answers over between our endpoint and a server of the same weights, and compares them with undisturbed ones. */
export function openHandOver({ ours, theirs, text }: Sides) {
  let known: Promise<readonly Undisturbed[]> | undefined
  const write = async (messages: readonly ChatMessage[]): Promise<Undisturbed> => ({
    messages,
    promptText: text.render(messages),
    ours: await written(ours.server, requestOf(ours.model, messages)),
    theirs: await written(theirs.server, requestOf(theirs.model, messages)),
  })
  const undisturbed = () => {
    known ??= asked.reduce<Promise<readonly Undisturbed[]>>(
      async (before, messages) => [...(await before), await write(messages)],
      Promise.resolve([]),
    )
    return known
  }
  const about = (promptText: string, shown: string) => ({
    shown,
    promptText,
    text,
    endpoint: ours.url,
    model: ours.model,
  })
  const waysOf = async ({ server, model }: Sides['theirs']): Promise<readonly GoOnWay[]> =>
    (await server.describe(model)).ways.map(({ way }) => way)

  /** Each way of a side, each cut of each conversation. */
  async function eachWay(
    to: Sides['theirs'],
    handOver: (answer: Undisturbed, cut: number, way: GoOnWay) => Promise<Likeness | undefined>,
  ): Promise<Finding> {
    const ways = await waysOf(to)
    if (ways.length === 0) return { refused: 'it goes on with no answer; the probe finds that out' }
    const told: string[] = []
    for (const way of ways) {
      const all: Likeness[] = []
      for (const answer of await undisturbed()) {
        for (const cut of cuts) {
          const likeness = await handOver(answer, cut, way)
          if (likeness !== undefined) all.push(likeness)
        }
      }
      told.push(`${way}: ${summary(all)}`)
    }
    return told.join('; ')
  }

  return {
    /** Both write the same, as far as they round alike. */
    async undisturbed(): Promise<Finding> {
      const all: Likeness[] = []
      for (const { promptText, ours: own, theirs: other } of await undisturbed()) {
        all.push(await compareWritten(own, { text: other.text, reason: other.end.reason }, about(promptText, '')))
      }
      return summary(all)
    },

    /** Ours dies after so many tokens, and theirs goes on. */
    toTheirs: () =>
      eachWay(theirs, async ({ messages, promptText, ours: own }, cut, way) => {
        const prompt = own.promptIds
        const answer = own.parts.flatMap(({ ids }) => ids).slice(0, cut)
        if (answer.length < cut) return undefined
        const soFar = answerOfIds({ prompt, answer, stops: [] }, text.codec.decode)
        const goOn: GoOn = { ...soFar, promptText, ids: { prompt, answer, whole: soFar.whole }, way }
        const rest = await written(theirs.server, { ...requestOf(theirs.model, messages), goOn })
        const whole = { text: soFar.shown + rest.text, reason: rest.end.reason }
        return compareWritten(own, whole, about(promptText, ''))
      }),

    /** Theirs dies after so many tokens, and ours goes on. */
    toOurs: () =>
      eachWay(ours, async ({ messages, promptText, theirs: other }, cut, way) => {
        if (other.parts.length < cut) return undefined
        const shown = other.parts
          .slice(0, cut)
          .map((part) => part.text)
          .join('')
        const plain: GoOn = { shown, held: '', tokens: cut, promptText, way }
        const goOn = way === 'token-ids' ? withIds(plain, text) : plain
        const rest = await written(ours.server, { ...requestOf(ours.model, messages), goOn })
        return compareWritten(rest, { text: other.text, reason: other.end.reason }, about(promptText, shown))
      }),
  }
}

/** A server that gives no ids has written text that is split by the same tokenizer. */
function withIds(goOn: GoOn, { codec }: Smollm2Text): GoOn {
  const prompt = codec.encode(goOn.promptText ?? '', { whole: false })
  const answer = codec.encode(goOn.shown, { whole: false })
  return { ...goOn, tokens: answer.length, ids: { prompt, answer, whole: answer.length } }
}

import type { EdgeEngine } from '../edge/edge-types.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { createStopStrings } from '../generation/text/stop-strings.ts'
import { createTextStream } from '../generation/text/text-stream.ts'
import { countRewritten } from '../generation/writer/count-rewritten.ts'
import { tokensOfAnswer } from '../generation/writer/tokens-of-answer.ts'
import type { Prompt, WriteEvent, WriteRequest } from '../generation/writer/write-request.ts'
import { type Recital, renderChat } from './text-servers/recital.ts'

/** What goes wrong with a run on this device, after so many tokens of it. */
export interface EdgeFault {
  readonly kind: 'dies' | 'stalls' | 'fails'
  readonly at: number
}

export interface RecitingEdge {
  readonly edge: Pick<EdgeEngine, 'write' | 'check'> & { loaded(): { readonly backend: 'wasm' } }
  /** Runs that wrote something, or were asked to, in order; those that only split a text are none of them. */
  readonly asked: readonly WriteRequest[]
  /** Runs that were asked for one token alone: what reading ahead is. */
  readonly readAhead: number
  /** Runs that are under way. */
  readonly open: number
  /** Spoils the runs that come from now on, one after the other; then none. */
  fail(...faults: readonly (EdgeFault | undefined)[]): void
  /** Holds all runs before their next token, until it is called again. */
  hold(holds: boolean): void
}

const promptText = (prompt: Prompt, recital: Recital): string => {
  if ('text' in prompt) return prompt.text
  return 'ids' in prompt ? recital.decode(prompt.ids) : renderChat(prompt.messages)
}

/**
 * An engine whose one model recites what its prompt is the beginning of, as the fake text servers do: the same model on
 * both sides.
 */
export function createRecitingEdge(recital: Recital): RecitingEdge {
  const asked: WriteRequest[] = []
  const faults: (EdgeFault | undefined)[] = []
  const counts = { readAhead: 0, open: 0 }
  let wake: (() => void) | undefined
  let held: Promise<void> | undefined

  const recite = async (
    request: WriteRequest,
    onEvent: (event: WriteEvent) => void,
    signal: AbortSignal | undefined,
  ) => {
    const text = promptText(request.prompt, recital)
    const ids = recital.encode(text)
    const { answerText, stops } = request
    const found = answerText && tokensOfAnswer(ids, answerText.text, recital)
    const answer = found?.answer ?? request.answer
    const stream = createTextStream(recital.decode, ids)
    const strings = createStopStrings(stops)
    const shownNow = answer.map((id) => strings.push(stream.push(id))).join('')
    const shown = found?.text ?? shownNow
    const goesOn = answer.length > 0 || answerText !== undefined
    onEvent({ type: 'prompt', ids, droppedMessages: 0, text, ...(goesOn ? { answer, shown } : {}) })
    const rewriting = countRewritten(request, { shown: found?.text })
    const most = answerText === undefined ? request.maxTokens : Number.POSITIVE_INFINITY
    if (most <= answer.length) return { reason: 'length' } as const
    asked.push(request)
    const isAhead = (answerText?.tokens ?? request.answer.length) + 1 === request.maxTokens
    if (isAhead) counts.readAhead += 1
    const fault = isAhead ? undefined : faults.shift()
    onEvent({ type: 'read', read: ids.length + answer.length, of: ids.length + answer.length, cached: 0 })
    let [count, whole] = [answer.length, answer.length]
    for (const [index, id] of recital.restOfIds([...ids, ...answer]).entries()) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      await held
      signal?.throwIfAborted()
      if (index === fault?.at) await spoil(fault, signal)
      if (count >= most || rewriting.isEnough()) return { reason: 'length' } as const
      count += 1
      const piece = strings.push(stream.push(id))
      if (stream.isWhole) whole = count
      const again = rewriting.take(1, piece)
      onEvent({ type: 'text', tokens: [id], text: piece, held: strings.held, whole, again })
      if (strings.found !== undefined) return { reason: 'stop' } as const
    }
    if (fault !== undefined) await spoil(fault, signal)
    const rest = strings.push(stream.end()) + strings.end()
    if (rest !== '') onEvent({ type: 'text', tokens: [], text: rest, held: '', whole: count })
    return { reason: 'stop' } as const
  }

  return {
    asked,
    get readAhead() {
      return counts.readAhead
    },
    get open() {
      return counts.open
    },
    fail(...next) {
      faults.splice(0, faults.length, ...next)
    },
    hold(holds) {
      wake?.()
      wake = undefined
      held = holds
        ? new Promise((resolve) => {
            wake = resolve
          })
        : undefined
    },
    edge: {
      check: async () => {},
      loaded: () => ({ backend: 'wasm' }),
      async write(_, request, { onEvents, signal }) {
        counts.open += 1
        try {
          return await recite(request, (event) => onEvents([event]), signal)
        } finally {
          counts.open -= 1
        }
      },
    },
  }
}

async function spoil({ kind }: EdgeFault, signal: AbortSignal | undefined): Promise<never> {
  if (kind === 'dies') throw new EdgeError('edge-crashed', 'The worker has ended.')
  if (kind === 'fails') throw new EdgeError('edge-run-failed', 'The run failed.')
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

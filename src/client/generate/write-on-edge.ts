import type { ToolCall } from '../../contracts/chat.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { RouteWriting } from '../../contracts/route.ts'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { WriteEnd, WriteEvent, WriteRequest } from '../../generation/writer/write-request.ts'
import type { WritingPart } from '../types/generate-types.ts'

/** An answer as far as it is written: whoever has this can go on with it. */
export interface AnswerState {
  /** Ids of the prompt; undefined before it was read. */
  prompt: readonly number[] | undefined
  readonly answer: number[]
  text: string
  cachedTokens: number
  droppedMessages: number
  readonly moves: RouteWriting['moves'][number][]
  /** By `performance.now()`: the model was ready, the first and the last token came. */
  readyAt: number | undefined
  firstTokenAt: number | undefined
  lastTokenAt: number | undefined
  toolCalls: readonly ToolCall[] | undefined
}

export const noAnswer = (): AnswerState => ({
  prompt: undefined,
  answer: [],
  text: '',
  cachedTokens: 0,
  droppedMessages: 0,
  moves: [],
  readyAt: undefined,
  firstTokenAt: undefined,
  lastTokenAt: undefined,
  toolCalls: undefined,
})

/** What writes has died: another one goes on. What a model itself does wrongly, it would do again. */
const isDeath = (error: unknown): boolean =>
  isHitherError(error) &&
  (error.code === 'edge-crashed' || error.code === 'edge-device-lost' || error.code === 'edge-timeout')

/** Deaths that an answer survives without a token between them: a model that ends its worker each time is not tried for ever. */
const mostDeaths = 2

/**
 * Writes an answer on this device. Where its worker dies, or the tab that leads is closed, the next one reads prompt and
 * answer anew and goes on from the very token.
 *
 * @param prepare downloads and loads the model, as it is needed before each beginning
 * @throws as `EdgeEngine.write` does
 */
export async function writeOnEdge(options: {
  readonly edge: Pick<EdgeEngine, 'write'>
  readonly manifest: Manifest
  readonly request: Omit<WriteRequest, 'answer'>
  readonly state: AnswerState
  readonly prepare: () => Promise<unknown>
  readonly onPart: (part: WritingPart) => void
  readonly signal: AbortSignal
  readonly nowMs?: () => number
}): Promise<WriteEnd> {
  const { edge, manifest, request, state, prepare, onPart, signal, nowMs = () => performance.now() } = options
  let moving: { readonly reason: string; readonly at: number } | undefined

  const arrive = () => {
    if (moving === undefined) return
    const { reason, at } = moving
    moving = undefined
    const move = { from: 'edge', to: 'edge', reason, atToken: state.answer.length, gapMs: nowMs() - at } as const
    state.moves.push(move)
    onPart({ type: 'moved', ...move })
  }
  const take = (event: WriteEvent) => {
    if (event.type === 'prompt') {
      // The first one counts: another beginning is given these very ids.
      if (state.prompt !== undefined) return
      state.prompt = event.ids
      state.droppedMessages = event.droppedMessages
    } else if (event.type === 'read') {
      const { read, of, cached } = event
      if (state.answer.length > 0) return
      state.cachedTokens = cached
      onPart({ type: 'reading', read, of, cached })
    } else {
      arrive()
      const { tokens, text } = event
      if (tokens.length > 0) {
        state.lastTokenAt = nowMs()
        state.firstTokenAt ??= state.lastTokenAt
      }
      state.answer.push(...tokens)
      state.text += text
      if (text !== '') onPart({ type: 'text', text, tokens: tokens.length })
    }
  }

  for (let deaths = 0; ; ) {
    const before = state.answer.length
    try {
      await prepare()
      state.readyAt ??= nowMs()
      const { prompt, answer } = state
      const goesOn = prompt === undefined ? request : { ...request, prompt: { ids: prompt } }
      return await edge.write(
        manifest,
        { ...goesOn, answer: [...answer] },
        {
          signal,
          onEvents(events) {
            if (!signal.aborted) for (const event of events) take(event)
          },
        },
      )
    } catch (error) {
      if (!isDeath(error) || signal.aborted) throw error
      deaths = state.answer.length > before ? 1 : deaths + 1
      if (deaths > mostDeaths) throw error
      moving ??= { reason: isHitherError(error) ? error.code : 'unknown', at: nowMs() }
    }
  }
}

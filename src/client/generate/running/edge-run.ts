import type { Manifest } from '../../../contracts/manifest.ts'
import type { EdgeEngine } from '../../../edge/edge-types.ts'
import { EdgeError } from '../../../errors/edge-error.ts'
import { createSeam, exactSeam, type Seam } from '../../../generation/handover/seam.ts'
import { createCallText } from '../../../generation/text/call-text.ts'
import type { WriteEvent, WriteRequest } from '../../../generation/writer/write-request.ts'
import { anySignal } from '../../../utils/any-signal.ts'
import { type AnswerState, isBegun } from '../answer/answer-state.ts'
import type { RunEnd, RunEvents } from './run-types.ts'

/** What is asked of this device, whatever of the answer is there. */
export type EdgeRequest = Omit<WriteRequest, 'answer' | 'answerText'>

const hasTools = ({ prompt }: EdgeRequest) => 'messages' in prompt && (prompt.tools ?? []).length > 0

/** Ids are what a model goes on from exactly; without them, its own tokens for the text are found. */
function toWriteRequest(request: EdgeRequest, from: Readonly<AnswerState>, byIds: boolean): WriteRequest {
  const { promptIds, ids = [], text, held, tokens } = from
  // With tools, the model's calls are read in the light of the conversation.
  const prompt = promptIds === undefined || hasTools(request) ? request.prompt : { ids: promptIds }
  if (byIds) return { ...request, prompt, answer: ids }
  // A stop string may lie across the place where it goes on, so they are looked for here.
  return { ...request, prompt, answer: [], stops: [], answerText: { text: text + held, tokens } }
}

/** The text that comes, held against what was shown; undefined where the two have nothing to do with each other. */
function openSeam(
  from: Readonly<AnswerState>,
  shown: string,
  stops: readonly string[],
  byIds: boolean,
): Seam | undefined {
  const { text, held } = from
  // Of ids, the writer itself knows what is held back.
  const answer = { shown: text, held: byIds ? shown.slice(text.length) : held }
  if (!`${text}${answer.held}`.startsWith(shown)) return undefined
  return createSeam({ answer, sent: shown, habits: exactSeam, stops: byIds ? [] : stops })
}

const conflict = () =>
  new EdgeError('edge-run-failed', 'The model on this device did not go on where the answer was.', {
    context: { goOn: true },
  })

/**
 * Has this device write an answer, or go on with one: by its ids, else by its text.
 *
 * @param options.prepare downloads and loads the model
 * @throws as `EdgeEngine.write` does; {EdgeError} `edge-run-failed`, with `context.goOn`: what it wrote does not follow
 */
export async function runOnEdge(
  options: {
    readonly edge: Pick<EdgeEngine, 'write'>
    readonly manifest: Manifest
    readonly request: EdgeRequest
    readonly prepare: (signal: AbortSignal) => Promise<unknown>
  },
  from: Readonly<AnswerState>,
  events: RunEvents,
  signal: AbortSignal,
): Promise<RunEnd> {
  const { edge, manifest, request, prepare } = options
  await prepare(signal)
  signal.throwIfAborted()
  events.ready()
  if (from.ids !== undefined) {
    const end = await write(true)
    if (end !== undefined) return end
  }
  const end = await write(false)
  if (end === undefined) throw conflict()
  return end

  /** Undefined: what its ids stand for is not what was shown. */
  async function write(byIds: boolean): Promise<RunEnd | undefined> {
    const own = new AbortController()
    const intake = createIntake(from, request, byIds, events, () => own.abort(new DOMException('enough', 'AbortError')))
    try {
      const end = await edge.write(manifest, toWriteRequest(request, from, byIds), {
        signal: anySignal(signal, own.signal),
        onEvents(told) {
          if (!signal.aborted && !own.signal.aborted) for (const event of told) intake.take(event)
        },
      })
      return intake.end(end)
    } catch (error) {
      signal.throwIfAborted()
      const { state } = intake
      if (state === 'stopped') return { reason: 'stop' }
      if (state === 'other') return undefined
      if (state === 'conflict') throw conflict()
      throw error
    }
  }
}

function createIntake(
  from: Readonly<AnswerState>,
  request: EdgeRequest,
  byIds: boolean,
  events: RunEvents,
  stop: () => void,
) {
  const { stops } = request
  // A call is no part of the text, on whichever side it is written.
  const calls = hasTools(request) ? createCallText({ shown: from.text.trim().length }) : undefined
  let writtenTokens = 0
  let seam: Seam | undefined
  let state: 'on' | 'stopped' | 'other' | 'conflict' = 'on'
  /** Ids whose text was there before: they are the answer's once it has caught up. Of these, those that count. */
  let [waiting, news]: [number[], number] = [[], 0]
  const leave = (why: typeof state) => {
    state = why
    stop()
  }

  const begin = (event: Extract<WriteEvent, { type: 'prompt' }>) => {
    const { ids: promptIds, text: promptText, droppedMessages, answer = [], shown = '' } = event
    if (isBegun(from)) {
      seam = openSeam(from, shown, stops, byIds)
      if (seam === undefined) return leave('other')
    }
    events.begun({ promptIds, promptText, droppedMessages, ids: answer })
  }
  const takeText = ({ tokens, text, held, whole, again = 0 }: Extract<WriteEvent, { type: 'text' }>) => {
    waiting.push(...tokens)
    news += tokens.length - again
    const certain = seam === undefined ? text : seam.push(text)
    if (seam?.conflict) return leave('conflict')
    if (seam !== undefined && !seam.caughtUp) return
    const isStopped = seam?.found !== undefined
    const shown = calls === undefined ? certain : calls.push(certain) + (isStopped ? calls.end(false) : '')
    const inCall = calls?.held ?? ''
    if (shown === '' && inCall !== '') return events.aside('tool-call', 0)
    tell(shown, inCall + (byIds || seam === undefined ? held : seam.held), whole)
    if (isStopped) leave('stopped')
  }
  const tell = (text: string, held: string, whole?: number) => {
    const part = { tokens: news, ids: waiting, whole }
    writtenTokens += news
    ;[waiting, news] = [[], 0]
    events.text({ text, held, ...part })
  }

  return {
    get state() {
      return state
    },
    take(event: WriteEvent) {
      if (state !== 'on') return
      if (event.type === 'prompt') begin(event)
      else if (event.type === 'read') events.reading({ read: event.read, of: event.of, cached: event.cached })
      else takeText(event)
    },
    end(end: RunEnd): RunEnd | undefined {
      if (state === 'other') return undefined
      const last = seam?.end() ?? ''
      if (seam?.conflict) throw conflict()
      const isCall = end.reason === 'tool-calls'
      const rest = calls === undefined ? last : calls.push(last) + calls.end(isCall)
      // Ids of a call are no text's.
      if (rest !== '' || (waiting.length > 0 && !isCall)) tell(rest, '')
      return seam?.found === undefined ? { ...end, writtenTokens: writtenTokens + news } : { reason: 'stop' }
    },
  }
}

/**
 * Has this device read prompt and answer and write nothing, so that its next token is one token's time away. One token is
 * computed, and nobody is told: it is what makes the last one's keys and values be there.
 */
export async function readAhead(
  options: { readonly edge: Pick<EdgeEngine, 'write'>; readonly manifest: Manifest; readonly request: EdgeRequest },
  from: Readonly<AnswerState>,
  onRead: (tokens: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const { edge, manifest, request } = options
  const written = toWriteRequest(request, from, from.ids !== undefined)
  await edge.write(
    manifest,
    { ...written, maxTokens: (from.ids?.length ?? from.tokens) + 1 },
    {
      signal,
      onEvents(told) {
        for (const event of told) if (event.type === 'read') onRead(event.read - event.cached)
      },
    },
  )
}

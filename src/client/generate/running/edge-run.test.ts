import { expect, it } from 'vitest'
import { greedy } from '../../../generation/sampling/sampling.ts'
import type { WriteEvent, WriteRequest } from '../../../generation/writer/write-request.ts'
import { plainManifest } from '../../../testing/fake-manifest.ts'
import { type AnswerPart, type AnswerState, noAnswer } from '../answer/answer-state.ts'
import { readAhead, runOnEdge } from './edge-run.ts'
import type { RunBeginning } from './run-types.ts'

const manifest = plainManifest({ name: 'writer', revision: '1', files: [] })
const prompt = { messages: [{ role: 'user' as const, content: 'Tell' }] }
const request = { prompt, sampling: greedy, stops: ['END'], maxTokens: 20, whenFull: 'refuse' } as const
const known: AnswerState = { ...noAnswer(), promptIds: [1, 2], ids: [3, 4], whole: 2, tokens: 2, text: 'Once' }
const text = (tokens: number[], piece: string, held = '') =>
  ({ type: 'text', tokens, text: piece, held, whole: tokens.length }) as const

/** An engine that says what it is told to for each request, one after the other. */
async function run(from: AnswerState, ...answers: readonly (readonly WriteEvent[])[]) {
  const asked: WriteRequest[] = []
  const parts: AnswerPart[] = []
  const begun: RunBeginning[] = []
  const edge = {
    async write(
      _: unknown,
      given: WriteRequest,
      options: { onEvents(events: readonly WriteEvent[]): void; signal?: AbortSignal | undefined },
    ) {
      for (const event of answers[asked.push(given) - 1] ?? []) {
        options.onEvents([event])
        options.signal?.throwIfAborted()
      }
      return { reason: 'stop' } as const
    },
  }
  const events = {
    ready() {},
    reading() {},
    aside() {},
    begun: (beginning: RunBeginning) => void begun.push(beginning),
    text: (part: AnswerPart) => void parts.push(part),
  }
  const end = await runOnEdge(
    { edge, manifest, request, prepare: async () => {} },
    from,
    events,
    new AbortController().signal,
  ).catch((error: unknown) => ({ error }))
  return { asked, parts, begun, end, shown: parts.map((part) => part.text).join('') }
}

it('by ids: what they stand for and was not shown yet comes first; what was shown comes once', async () => {
  const prompted = (shown: string): WriteEvent => ({
    type: 'prompt',
    ids: [1, 2],
    droppedMessages: 0,
    answer: [3, 4],
    shown,
  })
  // The endpoint had told the ids, and was still holding the text back.
  const behind = await run(known, [prompted('Once upon'), text([5], ' a')])
  expect(behind.shown).toBe(' upon a')
  expect(behind.asked).toMatchObject([{ prompt: { ids: [1, 2] }, answer: [3, 4], stops: ['END'] }])
  expect(behind.begun).toMatchObject([{ ids: [3, 4] }])
  expect(behind.parts.flatMap(({ ids = [] }) => ids)).toEqual([5])
  // This device holds back what may be a stop string, and the endpoint had shown it.
  const ahead = await run(known, [prompted('On'), text([5], 'ce a')])
  expect(ahead.shown).toBe(' a')
})

it('ids that stand for another text are not gone on with, but the text is', async () => {
  const { asked, shown } = await run(
    known,
    [{ type: 'prompt', ids: [1, 2], droppedMessages: 0, answer: [3, 4], shown: 'Twice' }, text([9], ' no')],
    [{ type: 'prompt', ids: [1, 2], droppedMessages: 0, answer: [7], shown: 'Once' }, text([8], ' more')],
  )
  expect(shown).toBe(' more')
  expect(asked[1]).toMatchObject({ answer: [], stops: [], answerText: { text: 'Once', tokens: 2 } })
})

it('by text: what is written again is dropped, and a stop string across the seam ends it', async () => {
  const from = { ...known, ids: undefined, text: 'Once ', held: 'E', tokens: 3 }
  const prompted: WriteEvent = { type: 'prompt', ids: [1, 2], droppedMessages: 0, answer: [7], shown: 'Once' }
  const { asked, shown, end, parts } = await run(from, [
    prompted,
    text([8], ' EN'),
    text([9], 'D and'),
    text([9], ' on'),
  ])
  expect(asked[0]).toMatchObject({ answerText: { text: 'Once E', tokens: 3 } })
  expect([shown, end]).toEqual(['', { reason: 'stop' }])
  expect(parts.every(({ text: piece }) => piece === '')).toBe(true)
  const other = await run(from, [prompted, text([8], ' EN'), text([9], 'TER')])
  expect(other.shown).toBe('ENTER')
})

it('by text: tokens that write again what was shown are not counted twice, also where they come with others', async () => {
  const from = { ...known, ids: undefined, text: 'Once ', tokens: 3 }
  const prompted: WriteEvent = { type: 'prompt', ids: [1, 2], droppedMessages: 0, answer: [7], shown: 'Once' }
  const together = await run(from, [prompted, { ...text([8, 9, 10], ' upon a'), again: 1 }])
  expect(together.shown).toBe('upon a')
  expect(together.parts).toMatchObject([{ tokens: 2, ids: [8, 9, 10] }])
  const apart = await run(from, [prompted, { ...text([8], ' '), again: 1 }, text([9], 'upon'), text([10], ' a')])
  expect(apart.parts.map(({ tokens }) => tokens)).toEqual([0, 1, 1])
})

it('what does not follow is an error of its own, and no word of it is shown', async () => {
  const from = { ...known, ids: undefined }
  const prompted: WriteEvent = { type: 'prompt', ids: [1, 2], droppedMessages: 0, answer: [7], shown: 'On' }
  const { end, shown } = await run(from, [prompted, text([8], 'ly then')])
  expect(end).toMatchObject({ error: { code: 'edge-run-failed', context: { goOn: true } } })
  expect(shown).toBe('')
})

it('reading ahead asks for one token alone, and shows none', async () => {
  const asked: WriteRequest[] = []
  const read: number[] = []
  const edge = {
    async write(_: unknown, given: WriteRequest, { onEvents }: { onEvents(events: readonly WriteEvent[]): void }) {
      asked.push(given)
      onEvents([{ type: 'read', read: 9, of: 9, cached: 4 }, text([5], ' upon')])
      return { reason: 'length' } as const
    },
  }
  await readAhead({ edge, manifest, request }, known, (tokens) => read.push(tokens), new AbortController().signal)
  expect(asked).toMatchObject([{ answer: [3, 4], maxTokens: 3 }])
  expect(read).toEqual([5])
})

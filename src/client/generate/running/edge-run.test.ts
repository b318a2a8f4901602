import { expect, it } from 'vitest'
import { greedy } from '../../../generation/sampling/sampling.ts'
import type { Prompt, WriteEnd, WriteEvent, WriteRequest } from '../../../generation/writer/write-request.ts'
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
  return runAs({}, from, ...answers)
}

const tools = [{ name: 'look_up' }]
/** @param how.given another prompt; `end` of its engine */
async function runAs(
  how: { readonly given?: Prompt; readonly end?: WriteEnd },
  from: AnswerState,
  ...answers: readonly (readonly WriteEvent[])[]
) {
  const asked: WriteRequest[] = []
  const parts: AnswerPart[] = []
  const begun: RunBeginning[] = []
  const asides: string[] = []
  let told = 0
  const edge = {
    async write(
      _: unknown,
      given: WriteRequest,
      options: { onEvents(events: readonly WriteEvent[]): void; signal?: AbortSignal | undefined },
    ) {
      for (const event of answers[asked.push(given) - 1] ?? []) {
        told += 1
        options.onEvents([event])
        options.signal?.throwIfAborted()
      }
      return how.end ?? ({ reason: 'stop' } as const)
    },
  }
  const events = {
    ready() {},
    reading() {},
    aside: (kind: string) => void asides.push(kind),
    begun: (beginning: RunBeginning) => void begun.push(beginning),
    text: (part: AnswerPart) => void parts.push(part),
  }
  const end = await runOnEdge(
    { edge, manifest, request: { ...request, prompt: how.given ?? prompt }, prepare: async () => {} },
    from,
    events,
    new AbortController().signal,
  ).catch((error: unknown) => ({ error }))
  return { asked, parts, begun, asides, told, end, shown: parts.map((part) => part.text).join('') }
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

const began = { type: 'prompt', ids: [1, 2], droppedMessages: 0 } as const

it('a call is no part of the text; its tokens count', async () => {
  const toolCalls = [{ name: 'look_up', arguments: {} }]
  const pieces = [
    text([3], 'Let me see'),
    text([4], '. <'),
    text([5, 6], 'tool_call>{"name":'),
    text([7], ' "look_up"}'),
  ]
  const how = { given: { ...prompt, tools }, end: { reason: 'tool-calls', toolCalls } as const }
  const { shown, parts, asides, end } = await runAs(how, noAnswer(), [began, ...pieces])
  expect(shown).toBe('Let me see. ')
  // Whoever takes over goes on from here, and asks for the call anew.
  expect(parts.at(-1)).toMatchObject({ held: '<', ids: [4], tokens: 1 })
  expect(asides).toEqual(['tool-call', 'tool-call'])
  expect(end).toEqual({ reason: 'tool-calls', toolCalls, writtenTokens: 5 })
})

it('what began like a call and was none is text, with its ids', async () => {
  const given = { ...prompt, tools }
  const pieces = [text([3], ' '), text([4], '{"a"'), text([5], ': 1}')]
  const braces = await runAs({ given }, noAnswer(), [began, ...pieces])
  expect(braces.parts).toMatchObject([{ text: ' {"a": 1}', held: '', tokens: 3, ids: [3, 4, 5] }])
  const known: AnswerState = { ...noAnswer(), promptIds: [1, 2], ids: [3], whole: 1, tokens: 1, text: 'a', held: '<' }
  const goesOn = { ...began, answer: [3], shown: 'a<' }
  const angle = await runAs({ given }, known, [goesOn, text([4], ' b'), text([5], ' c')])
  expect(angle.shown).toBe('< b c')
  expect(angle.end).toMatchObject({ writtenTokens: 2 })
  // Where nothing can be called, nothing is held back.
  expect((await run(noAnswer(), [began, text([3], '<tool_call>')])).shown).toBe('<tool_call>')
})

it('a stop string ends what began like a call', async () => {
  const from: AnswerState = { ...noAnswer(), ids: undefined, tokens: 1, text: 'a ' }
  const pieces = [text([4], '<too'), text([5], 'lEND'), text([6], ' more')]
  const given = { ...prompt, tools }
  const { shown, end, told } = await runAs({ given }, from, [{ ...began, answer: [3], shown: 'a ' }, ...pieces])
  expect([shown, end]).toEqual(['<tool', { reason: 'stop' }])
  // It is stopped there.
  expect(told).toBe(3)
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

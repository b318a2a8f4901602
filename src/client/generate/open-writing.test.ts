import { expect, test } from 'vitest'
import type { WritingPart, WritingResult } from '../types/generate-types.ts'
import { openWriting, type WritingSink } from './open-writing.ts'

const result = (text: string): WritingResult => ({
  text,
  finishReason: 'stop',
  usage: { promptTokens: 1, cachedTokens: 0, answerTokens: 1, droppedMessages: 0 },
})
const text = (value: string): WritingPart => ({ type: 'text', text: value, tokens: 1 })

/** An answer whose end the test decides. */
function open() {
  const sinks: WritingSink[] = []
  let settle: { resolve(value: WritingResult): void; reject(error: Error): void } | undefined
  const writing = openWriting((sink) => {
    sinks.push(sink)
    return new Promise<WritingResult>((resolve, reject) => (settle = { resolve, reject }))
  })
  const [sink] = sinks
  if (sink === undefined) throw new Error('the work has not begun')
  return {
    writing,
    sink,
    end: (value: string) => settle?.resolve(result(value)),
    fail: (error: Error) => settle?.reject(error),
  }
}

async function collect(parts: AsyncIterable<WritingPart>): Promise<WritingPart[]> {
  const all: WritingPart[] = []
  for await (const part of parts) all.push(part)
  return all
}

test('parts come in order, and text that nobody has taken yet is one part', async () => {
  const { writing, sink, end } = open()
  sink.add({ type: 'reading', read: 1, of: 3, cached: 0 })
  sink.add({ type: 'reading', read: 3, of: 3, cached: 0 })
  sink.add(text('Once '))
  sink.add(text('upon'))
  const parts = collect(writing)
  await Promise.resolve()
  sink.add(text(' a time'))
  end('Once upon a time')
  expect(await parts).toEqual([
    { type: 'reading', read: 3, of: 3, cached: 0 },
    { type: 'text', text: 'Once upon', tokens: 2 },
    text(' a time'),
  ])
  expect(await writing.done).toEqual(result('Once upon a time'))
})

test('it is written also where nobody iterates, and its parts are there afterwards', async () => {
  const { writing, sink, end } = open()
  sink.add(text('all'))
  end('all')
  expect((await writing.done).text).toBe('all')
  expect(await collect(writing)).toEqual([text('all')])
})

test('a failure reaches who iterates, after what came before it, and who waits for the end', async () => {
  const { writing, sink, fail } = open()
  sink.add(text('half'))
  fail(new Error('broken'))
  const parts: WritingPart[] = []
  await expect(async () => {
    for await (const part of writing) parts.push(part)
  }).rejects.toThrow('broken')
  expect(parts).toEqual([text('half')])
  await expect(writing.done).rejects.toThrow('broken')
})

test('who leaves the loop ends it; who takes it to its end does not', async () => {
  const left = open()
  left.sink.add(text('first'))
  for await (const part of left.writing) {
    expect(part).toEqual(text('first'))
    break
  }
  expect(left.sink.left.aborted).toBe(true)
  const whole = open()
  whole.sink.add(text('all'))
  whole.end('all')
  await collect(whole.writing)
  expect(whole.sink.left.aborted).toBe(false)
})

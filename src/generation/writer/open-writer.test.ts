import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Generation } from '../../contracts/generation.ts'
import { hasStoriesModel, storiesModel } from '../../testing/stories-model.ts'
import { greedy } from '../sampling/sampling.ts'
import { openWriter, type Writer, type WriterFiles } from './open-writer.ts'
import type { WriteEvent, WriteRequest } from './write-request.ts'

const chatml =
  "{% for message in messages %}{{ message.role + ': ' + message.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}tale: {% endif %}"

describe.skipIf(!hasStoriesModel)('a real model', () => {
  let session: InferenceSession
  beforeAll(async () => {
    session = await InferenceSession.create(storiesModel().graph)
  })
  afterAll(() => session?.release())

  const open = (files: Partial<WriterFiles> = {}, generation: Partial<Generation> = {}): Writer => {
    const { tokenizer, config, vocabulary, contextTokens, ends } = storiesModel()
    return openWriter({
      session,
      TensorClass: Tensor,
      generation: {
        tokenizer: 'tokenizer.json',
        vocabulary,
        contextTokens,
        ends: [...ends],
        cache: { layers: 5, kvHeads: 4, headSize: 8, type: 'float32' },
        ...generation,
      },
      files: { tokenizer: JSON.stringify(tokenizer), tokenizerConfig: JSON.stringify(config), ...files },
      cacheBytes: 1e8,
      pause: async () => {},
    })
  }
  const write = async (writer: Writer, changes: Partial<WriteRequest>) => {
    const events: WriteEvent[] = []
    const end = await writer.write(
      {
        prompt: { text: 'Once upon a time' },
        answer: [],
        sampling: greedy,
        stops: [],
        maxTokens: 20,
        whenFull: 'refuse',
        ...changes,
      },
      (event) => events.push(event),
      undefined,
    )
    const texts = events.flatMap((event) => (event.type === 'text' ? [event] : []))
    return {
      end,
      events,
      text: texts.map(({ text }) => text).join(''),
      tokens: texts.flatMap(({ tokens }) => tokens),
      ids: events.flatMap((event) => (event.type === 'prompt' ? event.ids : [])),
    }
  }

  test('who has the prompt’s ids and the answer so far goes on with it, elsewhere too', async () => {
    const whole = await write(open(), {})
    expect(whole.tokens).toHaveLength(20)
    const rest = await write(open(), { prompt: { ids: whole.ids }, answer: whole.tokens.slice(0, 7) })
    expect(rest.tokens).toEqual(whole.tokens.slice(7))
    expect(whole.text.endsWith(rest.text)).toBe(true)
    expect(rest.end).toEqual(whole.end)
  })

  test('an answer that goes on from its text has as many tokens in all, those written again counted once', async () => {
    const prompt = { text: 'Once upon a time there was a little girl' }
    const whole = await write(open(), { prompt, maxTokens: 24 })
    const texts = whole.events.flatMap((event) => (event.type === 'text' ? [event] : []))
    for (let at = 1; at < 24; at += 1) {
      const text = texts
        .slice(0, at)
        .map((event) => event.text)
        .join('')
      const { events, end } = await write(open(), { prompt, maxTokens: 24, answerText: { text, tokens: at } })
      let news = 0
      for (const event of events) if (event.type === 'text') news += event.tokens.length - (event.again ?? 0)
      expect([at, at + news, end.reason]).toEqual([at, 24, 'length'])
    }
  })

  test('a conversation is written down as the model’s template says', async () => {
    const messages = [{ role: 'user', content: 'A cat' }] as const
    const { ids, text } = await write(open({ chatTemplate: `{{ bos_token }}${chatml}` }), { prompt: { messages } })
    // A text gets the mark of its beginning from the tokenizer.
    const plain = await write(open(), { prompt: { text: 'user: A cat\ntale: ' } })
    expect(ids).toEqual(plain.ids)
    expect(text).toBe(plain.text)
  })

  test('a conversation without a template, and a template with a fault, are refused with a reason', async () => {
    const prompt = { messages: [{ role: 'user', content: 'A cat' }] } as const
    await expect(write(open(), { prompt })).rejects.toMatchObject({ code: 'template-failed' })
    await expect(write(open({ chatTemplate: '{% for' }), { prompt })).rejects.toMatchObject({ code: 'template-failed' })
    // It is of no matter to a text.
    expect((await write(open({ chatTemplate: '{% for' }), {})).tokens).toHaveLength(20)
  })

  test('a prompt that leaves no room is refused with the numbers, or loses its beginning (case 61)', async () => {
    const text = 'Once upon a time there was a dog. '.repeat(60)
    await expect(write(open(), { prompt: { text } })).rejects.toMatchObject({
      code: 'context-full',
      context: { contextTokens: 512, promptTokens: expect.any(Number), maxTokens: 20 },
    })
    const cut = await write(open(), { prompt: { text }, whenFull: 'drop-oldest' })
    expect(cut.ids).toHaveLength(492)
    expect(cut.tokens).toHaveLength(20)
  })

  test('of a conversation that is too long, the oldest turns are left out, and not the system’s words', async () => {
    const turn = (index: number) => [
      { role: 'user', content: `Tell of the dog number ${index}. ${'He ran and ran. '.repeat(8)}` } as const,
      { role: 'assistant', content: 'He ran.' } as const,
    ]
    const messages = [
      { role: 'system', content: 'Be kind.' } as const,
      ...[1, 2, 3, 4, 5, 6, 7, 8].flatMap(turn),
      { role: 'user', content: 'And now of the cat.' } as const,
    ]
    const writer = open({ chatTemplate: chatml })
    await expect(write(writer, { prompt: { messages } })).rejects.toMatchObject({ code: 'context-full' })
    const { events, ids, tokens } = await write(writer, { prompt: { messages }, whenFull: 'drop-oldest' })
    const [first] = events
    const dropped = first?.type === 'prompt' ? first.droppedMessages : 0
    expect(dropped % 2).toBe(0)
    expect(dropped).toBeGreaterThan(0)
    const kept = [messages[0], ...messages.slice(1 + dropped)].filter((message) => message !== undefined)
    expect(ids).toEqual((await write(writer, { prompt: { messages: kept } })).ids)
    expect(tokens).toHaveLength(20)
  })

  test('files that are no tokenizer’s, and a graph that is no decoder, are refused (case 64)', () => {
    expect(() => open({ tokenizer: '{' })).toThrow(expect.objectContaining({ code: 'tokenizer-unfit' }))
    expect(() => open({ tokenizer: '{}' })).toThrow(expect.objectContaining({ code: 'tokenizer-unfit' }))
    expect(() => open({}, { vocabulary: 100 })).toThrow(expect.objectContaining({ code: 'tokenizer-unfit' }))
  })
})

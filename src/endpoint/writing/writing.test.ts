import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyWriter } from '../../testing/tiny-writer.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'
import type { Endpoint } from '../create-endpoint.ts'

let fixture: WritingFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openWritingFixture([await tinyWriter()])
  endpoint = await fixture.open()
})
afterAll(() => fixture.close())

const post = (path: string, body: object, headers: Record<string, string> = {}, at = endpoint) =>
  at.app.inject({
    method: 'POST',
    url: `/v1/${path}`,
    payload: JSON.stringify({ model: 'tiny-writer', temperature: 0, ...body }),
    headers: { 'content-type': 'application/json', ...headers },
  })
/** The data of a stream's events. */
const eventsOf = (payload: string) =>
  payload
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [, id = '', data = ''] = /^id: (\d+)\ndata: (.*)$/.exec(event) ?? []
      return { id: Number(id), data: data === '[DONE]' ? data : JSON.parse(data) }
    })
const user = (content: string) => ({ role: 'user', content })

describe('/v1/models', () => {
  it('tells what a client need not ask for: context, tokenizer, ways to go on', async () => {
    const { data } = (await endpoint.app.inject({ url: '/v1/models' })).json()
    expect(data).toEqual([
      {
        id: 'tiny-writer',
        object: 'model',
        created: expect.any(Number),
        owned_by: 'hither',
        max_model_len: 256,
        hither: {
          task: 'text-generation',
          revision: '1',
          contextTokens: 256,
          tokenizerSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          continues: ['token-ids', 'text', 'continue-final-message'],
          answerTokens: true,
          resumable: true,
        },
      },
    ])
    expect((await endpoint.app.inject({ url: '/v1/models/tiny-writer' })).json()).toEqual(data[0])
  })
})

describe('/v1/completions', () => {
  it('writes the same by text and by ids, alone or in a list, whole or streamed', async () => {
    const whole = (await post('completions', { prompt: 'hello', max_tokens: 20, return_token_ids: true })).json()
    const [choice] = whole.choices
    expect(whole).toMatchObject({ object: 'text_completion', model: 'tiny-writer', system_fingerprint: 'hither-1' })
    expect(choice).toMatchObject({ index: 0, finish_reason: 'length', logprobs: null })
    expect(choice.token_ids).toHaveLength(20)
    expect(whole.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 20, total_tokens: 25 })
    for (const prompt of [choice.prompt_token_ids, [choice.prompt_token_ids], ['hello']]) {
      expect((await post('completions', { prompt, max_tokens: 20 })).json().choices[0].text).toBe(choice.text)
    }
    const stream = { stream: true, stream_options: { include_usage: true }, return_token_ids: true }
    const response = await post('completions', { prompt: 'hello', max_tokens: 20, ...stream })
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const events = eventsOf(response.payload)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    const chunks = events.slice(0, -1).map(({ data }) => data)
    expect(events.at(-1)?.data).toBe('[DONE]')
    expect(chunks[0].choices[0].prompt_token_ids).toEqual(choice.prompt_token_ids)
    const choices = chunks.flatMap((chunk) => chunk.choices)
    expect(choices.map(({ text }) => text).join('')).toBe(choice.text)
    expect(choices.flatMap(({ token_ids: ids }) => ids)).toEqual(choice.token_ids)
    expect(choices.at(-1).finish_reason).toBe('length')
    expect(chunks.at(-1).usage).toMatchObject({ completion_tokens: 20 })
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
  })

  it('writes 16 tokens where nobody says how many', async () => {
    expect((await post('completions', { prompt: 'hello' })).json().usage.completion_tokens).toBe(16)
  })

  it('tells what was known of the prompt from an earlier request', async () => {
    const prompt = 'a prompt of its own, which was not there before'
    const cached = async () =>
      (await post('completions', { prompt, max_tokens: 2 })).json().usage.prompt_tokens_details.cached_tokens
    expect(await cached()).toBeLessThan(2)
    expect(await cached()).toBe(prompt.length - 1)
  })

  it('goes on with an answer at any token: penalties, seed, stop strings and the limit count over the whole', async () => {
    const how = { prompt: 'once', max_tokens: 40, temperature: 1.2, seed: 11, frequency_penalty: 1.5, stop: ['zzz'] }
    const { choices } = (await post('completions', { ...how, return_token_ids: true })).json()
    const { text, token_ids: ids, prompt_token_ids: before } = choices[0]
    expect(ids.length).toBeGreaterThan(4)
    for (const cut of [1, 2, ids.length >> 1, ids.length - 1]) {
      const prompt = [...before, ...ids.slice(0, cut)]
      const rest = await post('completions', { ...how, prompt, hither_answer_tokens: cut, return_token_ids: true })
      const [choice] = rest.json().choices
      expect(choice.token_ids).toEqual(ids.slice(cut))
      expect(text.endsWith(choice.text)).toBe(true)
      expect(choice.prompt_token_ids).toEqual(prompt)
    }
    const [first, second, third] = text
    const stops = { ...how, stop: [first + second + third] }
    const cut = await post('completions', {
      ...stops,
      prompt: [...before, ...ids.slice(0, 2)],
      hither_answer_tokens: 2,
    })
    expect(cut.json().choices[0]).toMatchObject({ text: '', finish_reason: 'stop' })
  })

  it('tells probabilities of tokens', async () => {
    const { choices } = (await post('completions', { prompt: 'hello', max_tokens: 3, logprobs: 2 })).json()
    const { tokens, token_logprobs: probabilities, top_logprobs: top, text_offset: offsets } = choices[0].logprobs
    expect(tokens.join('')).toBe(choices[0].text)
    expect(offsets).toEqual([0, 1, 2])
    for (const [index, token] of tokens.entries()) {
      expect(Object.keys(top[index])).toHaveLength(2)
      // Greedy: the likeliest was taken.
      expect(probabilities[index]).toBe(Math.max(...(Object.values(top[index]) as number[])))
      expect(top[index][token]).toBe(probabilities[index])
      expect(probabilities[index]).toBeLessThan(0)
    }
  })
})

describe('/v1/chat/completions', () => {
  it('answers a conversation as its template writes it', async () => {
    const plain = (await post('completions', { prompt: 'user> hi assistant> ', max_tokens: 9 })).json().choices[0].text
    const body = { messages: [user('hi')], max_completion_tokens: 9 }
    const chat = (await post('chat/completions', body)).json()
    expect(chat.object).toBe('chat.completion')
    expect(chat.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: plain, refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ])
    const parts = { messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }], max_tokens: 9 }
    expect((await post('chat/completions', parts)).json().choices[0].message.content).toBe(plain)
    const events = eventsOf((await post('chat/completions', { ...body, stream: true })).payload).slice(0, -1)
    expect(events[0]?.data.choices[0].delta).toEqual({ role: 'assistant', content: '' })
    expect(events.map(({ data }) => data.choices[0].delta.content ?? '').join('')).toBe(plain)
    expect(events.at(-1)?.data.choices[0].finish_reason).toBe('length')
  })

  it('goes on within the last message', async () => {
    const first = (await post('chat/completions', { messages: [user('hi')], max_tokens: 30 })).json()
    const { content } = first.choices[0].message
    for (const cut of [1, 12, 29]) {
      const messages = [user('hi'), { role: 'assistant', content: content.slice(0, cut) }]
      const rest = { messages, continue_final_message: true, add_generation_prompt: false, max_tokens: 30 - cut }
      expect((await post('chat/completions', rest)).json().choices[0].message.content).toBe(content.slice(cut))
    }
  })

  it('tells probabilities of tokens', async () => {
    const body = { messages: [user('hi')], max_tokens: 2, logprobs: true, top_logprobs: 1 }
    const { logprobs } = (await post('chat/completions', body)).json().choices[0]
    expect(logprobs.content).toHaveLength(2)
    const [{ token, bytes, logprob, top_logprobs: top }] = logprobs.content
    expect(bytes).toEqual([...new TextEncoder().encode(token)])
    expect(top).toEqual([{ token, logprob, bytes }])
  })
})

describe('what is refused', () => {
  const chat = { messages: [user('hi')] }
  it.each([
    ['more answers than one', { ...chat, n: 2 }, 400, 'n', /One answer/],
    ['JSON by a schema', { ...chat, response_format: { type: 'json_object' } }, 400, 'response_format', /not offered/],
    ['another role', { messages: [{ role: 'king', content: 'hi' }] }, 400, /messages/, /role/],
    ['no message', { messages: [] }, 400, 'messages', /no message/],
    ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 400, /messages/, /text/],
    ['a forced call', { ...chat, tools: [], tool_choice: 'required' }, 400, 'tool_choice', /auto/],
    [
      'to go on and to begin',
      { ...chat, continue_final_message: true, add_generation_prompt: true },
      400,
      'continue_final_message',
      /exclude/,
    ],
    ['to go on with a question', { ...chat, continue_final_message: true }, 400, 'messages', /assistant/],
    ['a temperature of cold', { ...chat, temperature: 'cold' }, 400, 'temperature', /number/],
    ['no tokens', { ...chat, max_tokens: 0 }, 400, 'max_tokens', /0/],
    ['a prompt that leaves no room', { messages: [user('x'.repeat(300))] }, 400, null, /256/],
    ['another model', { ...chat, model: 'other' }, 404, null, /no model other/],
  ])('%s, in the form of that API', async (_, body, status, param, message) => {
    for (const stream of [false, true]) {
      const response = await post('chat/completions', { ...body, stream })
      const { error } = response.json()
      expect([response.statusCode, error.type]).toEqual([status, 'invalid_request_error'])
      expect(error.message).toMatch(message)
      if (param instanceof RegExp) expect(error.param).toMatch(param)
      else expect(error.param).toBe(param)
    }
  })

  it('ids that the model does not have', async () => {
    const response = await post('completions', { prompt: [1, 96] })
    expect([response.statusCode, response.json().error.param]).toEqual([400, 'prompt'])
  })

  it('what would come too late', async () => {
    const response = await post('chat/completions', chat, { 'hither-timeout-ms': '0' })
    expect(response.statusCode).toBe(503)
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    expect(response.json().error.type).toBe('server_error')
  })
})

it('a large request is read beside the event loop', async () => {
  const ids = Array.from({ length: 60_000 }, () => 1)
  const response = await post('completions', { prompt: ids })
  expect([response.statusCode, response.json().error.code]).toEqual([400, 'context-full'])
})

it('is counted by model and end, and by nothing that a request says', async () => {
  const own = await fixture.open()
  await post('completions', { prompt: 'hello', max_tokens: 4 }, {}, own)
  await post('completions', { prompt: 'hello', model: 'invented' }, {}, own)
  const metrics = async () => (await own.app.inject({ url: '/metrics' })).payload
  await expect.poll(metrics).toContain('hither_requests_total{model="tiny-writer",status="200"} 1')
  const text = await metrics()
  expect(text).toContain('hither_text_answers_total{model="tiny-writer",end="length"} 1')
  expect(text).toContain('hither_text_tokens_total{model="tiny-writer",kind="written"} 4')
  expect(text).toContain('hither_text_tokens_total{model="tiny-writer",kind="read"} 5')
  expect(text).toContain('hither_text_tokens_total{model="tiny-writer",kind="cached"} 0')
  expect(text).toContain('hither_text_first_token_seconds_count{model="tiny-writer"} 1')
  expect(text).toContain('hither_text_token_seconds_count{model="tiny-writer"} 1')
  expect(text).not.toContain('invented')
  // The same beginning again: what was known of it is counted as such, and not as read.
  const again = await post('completions', { prompt: 'hello there', max_tokens: 4 }, {}, own)
  const { cached_tokens: cached } = again.json().usage.prompt_tokens_details
  expect(cached).toBeGreaterThanOrEqual(5)
  await expect.poll(metrics).toContain('hither_text_answers_total{model="tiny-writer",end="length"} 2')
  const then = await metrics()
  expect(then).toContain(`hither_text_tokens_total{model="tiny-writer",kind="cached"} ${cached}`)
  expect(then).toContain(`hither_text_tokens_total{model="tiny-writer",kind="read"} ${5 + 11 - cached}`)
})

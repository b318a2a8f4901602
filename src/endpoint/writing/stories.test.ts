import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasStoriesModel, storiesModel, storiesWriter } from '../../testing/stories-model.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'
import type { Endpoint } from '../create-endpoint.ts'

const template =
  "{% for message in messages %}{{ message.role + ': ' + (message.content | trim) + '\\n' }}{% endfor %}{% if add_generation_prompt %}tale: {% endif %}"

describe.skipIf(!hasStoriesModel)('a real model', () => {
  let fixture: WritingFixture
  let endpoint: Endpoint
  beforeAll(async () => {
    const { manifest, files } = await storiesWriter('stories')
    const config = JSON.parse(new TextDecoder().decode(files['tokenizer_config.json']))
    const talking = await talkingWriter(manifest, files, config)
    fixture = await openWritingFixture([{ manifest, files }, talking])
    endpoint = await fixture.open()
  })
  afterAll(() => fixture?.close())

  const complete = async (body: object) => {
    const response = await endpoint.app.inject({
      method: 'POST',
      url: '/v1/completions',
      payload: JSON.stringify({ model: 'stories', temperature: 0, return_token_ids: true, ...body }),
      headers: { 'content-type': 'application/json' },
    })
    return response.json().choices[0] as {
      text: string
      token_ids: number[]
      prompt_token_ids: number[]
      finish_reason: string
    }
  }

  it('takes no conversations without a chat template, and says so', async () => {
    const response = await endpoint.app.inject({
      method: 'POST',
      url: '/v1/chat/completions',
      payload: { model: 'stories', messages: [{ role: 'user', content: 'hi' }] },
    })
    const { error } = response.json()
    expect([response.statusCode, error.type, error.param]).toEqual([400, 'invalid_request_error', 'messages'])
    expect(error.message).toMatch(/no chat template/)
  })

  it('writes what is written down, and goes on with it by ids at any token', async () => {
    const { prompt, greedy_ids: expected } = storiesModel().expected
    const whole = await complete({ prompt, max_tokens: 60 })
    expect([...whole.prompt_token_ids, ...whole.token_ids]).toEqual(
      expected.slice(0, whole.prompt_token_ids.length + 60),
    )
    for (const cut of [1, 2, 3, 13, 31, 59]) {
      const rest = await complete({
        prompt: [...whole.prompt_token_ids, ...whole.token_ids.slice(0, cut)],
        hither_answer_tokens: cut,
        max_tokens: 60,
      })
      expect(rest.token_ids).toEqual(whole.token_ids.slice(cut))
      expect(whole.text.endsWith(rest.text)).toBe(true)
    }
  })

  it('a stop string that begins before the cut ends the answer after it', async () => {
    const { prompt } = storiesModel().expected
    const whole = await complete({ prompt, max_tokens: 60 })
    const stop = whole.text.slice(20, 32)
    const stopped = await complete({ prompt, max_tokens: 60, stop })
    expect([stopped.text, stopped.finish_reason]).toEqual([whole.text.slice(0, whole.text.indexOf(stop)), 'stop'])
    for (let cut = 1; cut < stopped.token_ids.length; cut += 3) {
      const rest = await complete({
        prompt: [...whole.prompt_token_ids, ...whole.token_ids.slice(0, cut)],
        hither_answer_tokens: cut,
        max_tokens: 60,
        stop,
      })
      expect(stopped.text.endsWith(rest.text)).toBe(true)
      expect(rest.finish_reason).toBe('stop')
    }
  })

  it('continues the last message at any character, also within a word and behind a blank', async () => {
    const chat = async (messages: object[], more: object = {}) => {
      const response = await endpoint.app.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        payload: JSON.stringify({ model: 'talking', temperature: 0, max_tokens: 30, messages, ...more }),
        headers: { 'content-type': 'application/json' },
      })
      return response.json().choices[0].message.content as string
    }
    const system = { role: 'user', content: 'Tell me of a cat.' }
    const story = 'Once upon a time, there was a little girl named'
    const next = { continue_final_message: true, add_generation_prompt: false }
    const expected = story + (await chat([system, { role: 'assistant', content: story }], next))
    for (let cut = 20; cut < story.length; cut += 1) {
      const rest = await chat([system, { role: 'assistant', content: story.slice(0, cut) }], next)
      // Cut in a word the model writes the rest of a word, and no other one's beginning.
      const before = story.slice(0, cut)
      expect(before + rest).not.toMatch(/ {2}|[a-z][A-Z]/)
    }
    const inWord = story.slice(0, -2)
    expect(inWord + (await chat([system, { role: 'assistant', content: inWord }], next))).toContain(story)
    expect(expected.length).toBeGreaterThan(story.length)
  })
})

/** The same model with a template. */
async function talkingWriter(
  manifest: Awaited<ReturnType<typeof storiesWriter>>['manifest'],
  files: Readonly<Record<string, Uint8Array>>,
  config: object,
) {
  const { fakeManifest } = await import('../../testing/fake-manifest.ts')
  const own = {
    ...files,
    'tokenizer_config.json': new TextEncoder().encode(JSON.stringify({ ...config, chat_template: template })),
  }
  const { files: _, ...facts } = manifest
  return { manifest: { ...(await fakeManifest(own, facts)), name: 'talking' }, files: own }
}

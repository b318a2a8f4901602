import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CuttingProxy, openCuttingProxy } from '../../../testing/cutting-proxy.ts'
import { hasStoriesModel, storiesModel, storiesWriter } from '../../../testing/stories-model.ts'
import { eventually } from '../../../testing/until.ts'
import { openWritingFixture, type WritingFixture } from '../../../testing/writing-fixture.ts'
import { createEndpoint, type Endpoint } from '../../create-endpoint.ts'
import { createGatewayEngine, type GatewayEngine } from '../create-gateway-engine.ts'
import { createOpenAiPlugin } from '../openai/openai-plugin.ts'

const minutes = 60_000

describe.skipIf(!hasStoriesModel)('a real model at two endpoints of ours, through the gateway', () => {
  let fixture: WritingFixture
  let proxy: CuttingProxy
  let engine: GatewayEngine
  let gateway: Endpoint
  beforeAll(async () => {
    fixture = await openWritingFixture([await storiesWriter('stories')])
    const urls: string[] = []
    for (let count = 0; count < 2; count += 1) {
      const { port } = await (await fixture.open()).listen({ port: 0, host: '127.0.0.1' })
      urls.push(`http://127.0.0.1:${port}`)
    }
    proxy = await openCuttingProxy(urls[0] ?? '')
    engine = await createGatewayEngine({ upstreams: [proxy.url, urls[1] ?? ''], random: () => 0 })
    gateway = await createEndpoint({ engine, plugins: [createOpenAiPlugin(engine)], logger: false })
    // The second one seems to have more than its share, so that each text begins at the first.
    for (let count = 0; count < 20; count += 1) engine.upstreams[1]?.state.begin()
    await eventually(() => Promise.all(engine.upstreams.map(({ texts }) => texts.describe('stories'))))
  }, 5 * minutes)
  afterAll(async () => {
    await gateway?.close()
    await proxy?.close()
    await fixture?.close()
  })

  const complete = async (body: object) => {
    const { payload } = await gateway.app.inject({
      method: 'POST',
      url: '/v1/completions',
      payload: JSON.stringify({ model: 'stories', temperature: 0, stream: true, max_tokens: 60, ...body }),
      headers: { 'content-type': 'application/json' },
    })
    const data = payload.split('\n\n').flatMap((block) => block.split('\n').filter((line) => line.startsWith('data: ')))
    const chunks = data.slice(0, -1).map((line) => {
      return JSON.parse(line.slice('data: '.length)) as {
        readonly id: string
        readonly choices: readonly { readonly text: string; readonly finish_reason: string | null }[]
        readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null
      }
    })
    const choices = chunks.flatMap((chunk) => chunk.choices)
    return {
      payload,
      last: data.at(-1),
      text: choices.map(({ text }) => text).join(''),
      finish: choices.flatMap(({ finish_reason: reason }) => reason ?? []),
      ids: new Set(chunks.map(({ id }) => id)).size,
      // What was known of the prompt differs.
      usage: [chunks.at(-1)?.usage?.prompt_tokens, chunks.at(-1)?.usage?.completion_tokens],
    }
  }

  it('goes on with a text at any token as if undisturbed, sampled with a seed, too', {
    timeout: 10 * minutes,
  }, async () => {
    const { prompt } = storiesModel().expected
    for (const sampling of [{}, { temperature: 0.8, top_p: 0.9, seed: 7, repetition_penalty: 1.1 }]) {
      const asked = { prompt, stream_options: { include_usage: true }, ...sampling }
      proxy.cutAfter(Number.POSITIVE_INFINITY)
      const whole = await complete(asked)
      expect(whole).toMatchObject({ last: 'data: [DONE]', finish: ['length'], ids: 1 })
      for (const events of [0, 1, 2, 3, 13, 31, 58]) {
        proxy.cutAfter(events)
        const seen = await complete(asked)
        expect({ ...seen, payload: '' }).toEqual({ ...whole, payload: '' })
        expect(seen.payload).not.toContain('token_ids')
        engine.upstreams[0]?.state.succeeded()
      }
    }
  })

  it('ends before a stop string that lies across the cut', { timeout: 10 * minutes }, async () => {
    const { prompt } = storiesModel().expected
    proxy.cutAfter(Number.POSITIVE_INFINITY)
    const { text } = await complete({ prompt })
    const stop = text.slice(20, 32)
    for (let events = 1; events < 14; events += 2) {
      proxy.cutAfter(events)
      const seen = await complete({ prompt, stop })
      expect([seen.text, seen.finish]).toEqual([text.slice(0, text.indexOf(stop)), ['stop']])
      engine.upstreams[0]?.state.succeeded()
    }
  })
})

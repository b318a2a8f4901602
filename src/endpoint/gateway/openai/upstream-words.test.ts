import { expect, it } from 'vitest'
import { openTextServer } from '../../../cloud/text/open-text-server.ts'
import { openGateway as open } from '../../../testing/text-servers/gateway-fixture.ts'
import { renderChat } from '../../../testing/text-servers/recital.ts'

const patiently = { timeout: 300_000 }
const prompt = renderChat([{ role: 'user', content: 'Tell of a fox' }])
const greedy = { prompt, max_tokens: 300, temperature: 0 }

it('options come in the words of whoever begins, and of whoever goes on', patiently, async () => {
  const gateway = await open(['byTextAlone', 'byTextAlone'], { kinds: ['llama-cpp-python', 'vllm'] })
  gateway.servers[0]?.fail({ kind: 'destroy', at: 5 }, 1)
  await gateway.complete({ ...greedy, repetition_penalty: 1.2 })
  const bodies = gateway.servers.map(({ asked }) => asked.at(-1)?.body)
  expect(bodies).toMatchObject([{ prompt, repeat_penalty: 1.2 }, { repetition_penalty: 1.2 }])
  expect(bodies[0]).not.toHaveProperty('repetition_penalty')
  expect(bodies[1]).not.toHaveProperty('repeat_penalty')
})

it('an upstream is asked what it is, without tokens, before options that servers call by several names', async () => {
  const gateway = await open(['byTextAlone'], { isKnown: false })
  const [server] = gateway.servers
  await gateway.complete(greedy)
  expect(server?.paths).not.toContain('/openapi.json')
  await gateway.complete({ ...greedy, top_k: 0, min_p: 0.1, repetition_penalty: 1 })
  expect(server?.paths).toContain('/openapi.json')
  // No request but the two: it was not probed.
  expect(server?.asked.length).toBe(2)
  // Of a server that is not known, what changes nothing is left out, and the rest is for it to refuse.
  const body = server?.asked.at(-1)?.body
  expect(body).toMatchObject({ ...greedy, min_p: 0.1 })
  expect(body).not.toHaveProperty('top_k')
  expect(body).not.toHaveProperty('repetition_penalty')
})

it("a client's first request to a gateway has all options, before anything is known of what is behind it", async () => {
  const gateway = await open(['byTextAlone'], { isKnown: false, kinds: ['llama-cpp-python'] })
  const client = openTextServer({ url: gateway.url, askMs: 50_000 })
  const sampling = { temperature: 0, topK: 5, repetitionPenalty: 1 }
  await client.write(
    { model: 'teller', prompt: { text: prompt }, sampling, stops: [], maxTokens: 300 },
    { onPart: () => {} },
  )
  expect(gateway.servers[0]?.asked.at(-1)?.body).toMatchObject({ top_k: 5, repeat_penalty: 1 })
})

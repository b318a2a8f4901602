import { describe, expect, it } from 'vitest'
import { createRouter } from '../../../routing/deciding/create-router.ts'
import type { ArmPrice } from '../../../routing/router-types.ts'
import { createRecitingEdge } from '../../../testing/reciting-edge.ts'
import { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import { openFakeTextServer } from '../../../testing/text-servers/fake-text-server.ts'
import { createRecital } from '../../../testing/text-servers/recital.ts'
import { openTextWriterFixture, teller } from '../../../testing/text-writer-fixture.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import type { GenerateParts } from './generate-parts.ts'
import { checkTokenPrices, cloudTextPrice, edgeTextPrice } from './text-prices.ts'

const silent: GenerateParts['edge'] = {
  write: async () => ({ reason: 'stop' }),
  check: async () => {},
  loaded: () => ({ backend: 'wasm' }),
}
const about = (what: string) => ({ messages: [{ role: 'user' as const, content: `Tell of ${what}` }] })
const forecast = { firstToken: logNormal(1_000, 1e-6), token: logNormal(50, 1e-6), isMeasured: true }

describe('what tokens cost', () => {
  it('is checked with a sentence that names the option', () => {
    expect(() => checkTokenPrices(undefined)).not.toThrow()
    expect(() => checkTokenPrices({ cloud: { promptPerMillion: 2 }, edge: { answerJ: 0.1 } })).not.toThrow()
    const code = 'config-invalid'
    expect(() => checkTokenPrices({ cloud: { promptPerMillion: -1 } })).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('tokenPrices.cloud.promptPerMillion') }),
    )
    expect(() => checkTokenPrices({ edge: { promptMoney: 1 } })).toThrow(expect.objectContaining({ code }))
    expect(() => checkTokenPrices('dear')).toThrow(expect.objectContaining({ code }))
  })

  it('here is joules as given, or by the predicted times', () => {
    expect(edgeTextPrice({ promptJ: 0.02, answerJ: 0.3 }, forecast, 100)).toEqual({
      promptToken: { energyJ: 0.02 },
      answerToken: { energyJ: 0.3 },
      weights: { promptToken: 0.02, answerToken: 0.3 },
    })
    // 6 W: 10 ms to read a token, 50 ms to write one. Estimates do not weigh what races waste.
    const { promptToken, answerToken, weights } = edgeTextPrice(undefined, forecast, 100)
    expect(promptToken?.energyJ).toBeCloseTo(0.06)
    expect(answerToken?.energyJ).toBeCloseTo(0.3)
    expect(weights).toBeUndefined()
  })

  it('there is money for the request and each token', () => {
    const price = cloudTextPrice({ promptPerMillion: 2, answerPerMillion: 8 }, 500, forecast)
    expect(price.request?.money).toBe(0.5)
    expect(price.promptToken?.money).toBe(2e-6)
    expect(price.answerToken?.money).toBe(8e-6)
    expect(price.weights).toEqual({ promptToken: 2, answerToken: 8 })
    expect(cloudTextPrice(undefined, undefined, forecast)).not.toHaveProperty('weights')
    // Each token of an answer is an event of its own, with all that frames it.
    const { request, promptToken, answerToken } = cloudTextPrice(undefined, undefined, forecast)
    expect([request?.dataBytes, promptToken?.dataBytes, answerToken?.dataBytes]).toEqual([600, 5, 250])
  })
})

it('an answer is explained and booked by the price of its endpoint, and the decision goes by it', async () => {
  const server = await openFakeTextServer({ behaviour: textBehaviours.continues })
  const spent: ArmPrice[] = []
  let msOfMoney = 0
  const fixture = openTextWriterFixture({
    edge: silent,
    // This device is slow, and its tokens are cheap.
    stepMs: 400,
    budgets: { tokenPrices: { cloud: { promptPerMillion: 5 }, edge: { promptJ: 0.5, answerJ: 2 } } },
    endpoints: [{ url: server.url, kind: 'openai', moneyPerToken: { promptPerMillion: 1, answerPerMillion: 4 } }],
    spending: {
      extraMsOf: ({ money = 0 }) => money * msOfMoney,
      spend: (price) => void spent.push(price),
    },
  })
  const explain = () => fixture.writer.explain(teller, { privacy: 'any', deadlineMs: undefined })
  const before = await explain()
  const [edge, cloud] = before.writing?.arms ?? []
  const tokens = before.writing?.answerTokens ?? 0
  // A prompt of 100 tokens.
  expect(cloud?.money).toBeCloseTo((100 + 4 * tokens) / 1e6, 9)
  expect(edge?.energyJ).toBeCloseTo(50 + 2 * tokens)
  expect(before.arm).toBe('cloud')
  msOfMoney = 1e9
  expect((await explain()).arm).toBe('edge')
  msOfMoney = 0

  const messages = [{ role: 'user' as const, content: 'Tell of a fox' }]
  const { result } = await fixture.read({ messages }, { privacy: 'cloud-only', maxTokens: 20 })
  const { answerTokens } = result.usage
  expect(answerTokens).toBeGreaterThan(0)
  const money = spent.reduce((sum, price) => sum + (price.money ?? 0), 0)
  // Its prompt is a few tokens, as the client has counted them.
  expect(money).toBeGreaterThan((4 * answerTokens) / 1e6)
  expect(money).toBeLessThan((4 * answerTokens + 20) / 1e6)
  fixture.closing.abort()
  await server.close()
}, 50_000)

it('bytes of texts are counted both ways, and while their budget is nearly spent this device writes', async () => {
  const server = await openFakeTextServer({ behaviour: textBehaviours.continues })
  const router = createRouter({ policy: { budgets: { dataBytesPerHour: 10_000 } } })
  const spent: ArmPrice[] = []
  let msOfByte = 0
  const fixture = openTextWriterFixture({
    edge: silent,
    stepMs: 400,
    endpoints: [{ url: server.url, kind: 'openai' }],
    spending: {
      extraMsOf: ({ dataBytes = 0 }) => dataBytes * msOfByte,
      spend(price) {
        spent.push(price)
        router.spend(price)
      },
    },
  })
  const explain = () => fixture.writer.explain(teller, { privacy: 'any', deadlineMs: undefined })
  // Before anything is known of either, so that the decision rests on nothing else.
  expect((await explain()).arm).toBe('cloud')
  msOfByte = 10
  expect((await explain()).arm).toBe('edge')
  const bytes = () => spent.reduce((sum, { dataBytes = 0 }) => sum + dataBytes, 0)
  const { result } = await fixture.read(about('a fox'), { privacy: 'cloud-only' })
  // An event of the fake server's for each token, and no estimate beside what has travelled.
  const answer = server.asked.map(({ body }) => JSON.stringify(body).length)
  expect(bytes()).toBeGreaterThan(Math.max(...answer) + 100 * result.usage.answerTokens)
  expect(bytes()).toBeLessThan(5_000 + 400 * result.usage.answerTokens)
  // The budget of all requests is spent by it.
  expect(router.extraMsOf({ dataBytes: 1_000 })).toBeGreaterThan(0)
  fixture.closing.abort()
  await server.close()
}, 50_000)

it('what takes over is weighed by its price: one whose budget is spent gives way to another', async () => {
  const recital = createRecital()
  const open = () => openFakeTextServer({ behaviour: textBehaviours.continues, recital })
  const [writer, dear, free] = [await open(), await open(), await open()]
  let msOfMoney = 0
  const moneyPerToken = { promptPerMillion: 1, answerPerMillion: 4 }
  const fixture = openTextWriterFixture({
    edge: createRecitingEdge(recital).edge,
    edgeStatus: 'unavailable',
    endpoints: [
      { url: writer.url, kind: 'openai', moneyPerToken },
      { url: dear.url, kind: 'openai', moneyPerToken },
      { url: free.url, kind: 'openai' },
    ],
    spending: { extraMsOf: ({ money = 0 }) => money * msOfMoney, spend() {} },
  })
  const handOver = async () => {
    writer.fail({ kind: 'destroy', at: 5 })
    const begin = { arm: 'cloud', endpoint: writer.url } as const
    const { end, parts } = await fixture.conduct(about('a fox'), begin)
    await end
    return parts.flatMap((part) => (part.type === 'moved' ? [part.endpoint] : []))
  }
  // Nothing is known of either: the first one that is named.
  expect(await handOver()).toEqual([dear.url])
  msOfMoney = 1e9
  expect(await handOver()).toEqual([free.url])
  fixture.closing.abort()
  await Promise.all([writer, dear, free].map((server) => server.close()))
}, 50_000)

import { describe, expect, it } from 'vitest'
import type { ArmPrice } from '../../../routing/router-types.ts'
import { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import { openFakeTextServer } from '../../../testing/text-servers/fake-text-server.ts'
import { openTextWriterFixture, teller } from '../../../testing/text-writer-fixture.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import { checkTokenPrices, cloudTextPrice, edgeTextPrice } from './text-prices.ts'

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
  })
})

it('an answer is explained and booked by the price of its endpoint, and the decision goes by it', async () => {
  const server = await openFakeTextServer({ behaviour: textBehaviours.continues })
  const spent: ArmPrice[] = []
  let msOfMoney = 0
  const fixture = openTextWriterFixture({
    edge: {
      write: async () => ({ reason: 'stop' }),
      check: async () => {},
      loaded: () => ({ backend: 'wasm' }),
    },
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

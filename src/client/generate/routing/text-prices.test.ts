import { describe, expect, it } from 'vitest'
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

import { expect, it } from 'vitest'
import { checkOptions } from './check-options.ts'
import type { EndpointOptions } from './endpoint-options.ts'

const secret = 'a secret of thirty-two bytes or so'
const tokens = { secret, audience: 'me' }

it.each<[string, object, string]>([
  ['a misspelled option', { token: tokens }, 'There is no option token; '],
  ['one of another library', { auth: { secret } }, 'There is no option auth; '],
  ['a misspelled option of tokens', { tokens: { ...tokens, iss: 'me' } }, 'There is no option tokens.iss; '],
  ['one of rates', { rateLimit: { perAdress: 5 } }, 'There is no option rateLimit.perAdress; '],
  ['no tokens at all', { tokens: null }, 'tokens must be an object'],
  ['a rate of nobody', { rateLimit: {} }, 'rateLimit limits nobody'],
  ['a rate of tokens that are not asked for', { rateLimit: { perToken: 5 } }, 'rateLimit limits nobody'],
  ['a rate that nothing exceeds', { rateLimit: { perAddress: Number.NaN } }, 'rateLimit.perAddress must be a number'],
  ['a rate that is off', { rateLimit: { perAddress: 0 } }, 'rateLimit.perAddress must be a number above 0'],
  ['a body without end', { bodyLimitBytes: Number.POSITIVE_INFINITY }, 'bodyLimitBytes must be a number'],
  ['a time that never ends', { arrivalLimitsMs: { headers: 0, request: 1 } }, 'arrivalLimitsMs.headers must be'],
  ['a switch that is text', { tokens: { ...tokens, singleUse: 'true' } }, 'tokens.singleUse must be true or false'],
  ['a switch that is a number', { tokens: { ...tokens, singleUse: 1 } }, 'tokens.singleUse must be true or false'],
  ['a closed door that is open', { openRepository: 'false' }, 'openRepository must be true or false'],
  ['a switch that is null', { openRepository: null }, 'openRepository must be true or false'],
  ['one host beside all', { allowHosts: ['infer.example.com', '*'] }, 'allowHosts protects nothing'],
  ['hosts that are no list', { allowHosts: 'infer.example.com' }, 'allowHosts must be a list'],
  ['origins that are no texts', { allowOrigins: [null] }, 'allowOrigins must be a list'],
  ['a seed that can be guessed', { sealingSeed: new Uint8Array(8) }, 'sealingSeed must have 32 bytes'],
])('refuses %s', (_, options, message) => {
  const check = () => checkOptions(options as EndpointOptions)
  expect(check).toThrow(expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(message) }))
})

it('takes what protects', () => {
  checkOptions({ tokens, rateLimit: { perToken: 5 }, sealingSeed: new Uint8Array(32), bodyLimitBytes: 1 })
  checkOptions({ rateLimit: { perAddress: 0.5 } })
  checkOptions({ allowHosts: ['*'], allowOrigins: [], openRepository: false, tokens: { ...tokens, singleUse: true } })
})

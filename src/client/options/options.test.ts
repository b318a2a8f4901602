import { expect, test } from 'vitest'
import { withExtendedPrototypes } from '../../testing/extended-prototypes.ts'
import { given } from '../../utils/given.ts'
import { parseClientOptions } from './parse-client-options.ts'
import { parseRunOptions } from './parse-run-options.ts'
import { sealAlike } from './seal-alike.ts'

test('options are taken on a page that extends Object.prototype, and mistakes in them are still found', async () => {
  const client = { endpoint: { url: 'https://models.test' }, policy: { privacy: 'any' }, storage: { tokens: {} } }
  const outcomes = await withExtendedPrototypes(() => [
    parseClientOptions(client) === client,
    parseRunOptions({ signal: new AbortController().signal, timeoutMs: 5 }).timeoutMs,
    Object.keys(given({ a: 1, b: undefined })),
  ])
  expect(outcomes).toEqual([true, 5, ['a']])
  await expect(withExtendedPrototypes(() => parseRunOptions({ timeout: 5 }))).rejects.toMatchObject({
    code: 'options-invalid',
  })
})

test('a stock server can’t open what is sealed: a client with such an endpoint is refused when it is made', () => {
  const stock = { url: 'https://llm.test/v1', kind: 'openai' }
  const refusal = (place: string) =>
    expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(`${place}: openai`) })
  for (const sealed of [true, { keys: async () => ({}) }]) {
    expect(() => parseClientOptions({ endpoint: { ...stock, sealed } })).toThrow(refusal('endpoint'))
    const endpoint = [
      { url: 'https://models.test', sealed },
      { ...stock, sealed },
    ]
    expect(() => parseClientOptions({ endpoint })).toThrow(refusal('endpoint.1'))
  }
  const endpoint = [{ ...stock, sealed: false }, stock, { url: 'https://models.test', sealed: true }]
  expect(parseClientOptions({ endpoint }).endpoint).toBe(endpoint)
})

test('an endpoint that is named twice is sealed both times where it is once, whatever comes first', () => {
  const keys = async () => ({})
  const open = { url: 'https://models.test/own/', moneyPer1000: 1 }
  const sealed = { url: new URL('https://models.test/own'), sealed: { keys } }
  const other = { url: 'https://models.test/other' }
  expect(sealAlike([open, sealed, other])).toEqual([{ ...open, sealed: { keys } }, sealed, other])
  expect(sealAlike([{ ...sealed, sealed: true }, open])).toMatchObject([{ sealed: true }, { ...open, sealed: true }])
  // That it is said not to be sealed does not open it.
  expect(sealAlike([{ ...open, sealed: false }, sealed])[0]).toMatchObject({ sealed: { keys } })
  const unsealed = [open, { ...open, sealed: false }, other]
  expect(sealAlike(unsealed)).toBe(unsealed)
})

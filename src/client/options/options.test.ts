import { expect, test } from 'vitest'
import { withExtendedPrototypes } from '../../testing/extended-prototypes.ts'
import { given } from '../../utils/given.ts'
import { parseClientOptions } from './parse-client-options.ts'
import { parseRunOptions } from './parse-run-options.ts'

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

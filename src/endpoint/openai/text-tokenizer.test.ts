import { expect, it } from 'vitest'
import { characterTokenizer } from '../../testing/tiny-embedder.ts'
import { openTextTokenizer } from './text-tokenizer.ts'

it('refuses a text that overflows the stack of its tokenizer, and goes on', async () => {
  const preprocessing = { kind: 'tokens', tokenizer: 'tokenizer.json', maxTokens: 8_000 } as const
  const specs = [{ name: 'input_ids', type: 'int64', shape: [1, -1] }] as const
  const texts = new Map([['tokenizer.json', characterTokenizer]])
  const tokenizer = await openTextTokenizer(preprocessing, specs, texts)
  // A function's arguments lie on the stack: one of this text's tokens each.
  expect(() => tokenizer.toInputs('a'.repeat(200_000))).toThrow(
    expect.objectContaining({
      code: 'options-invalid',
      message: expect.stringMatching(/200000 characters can't be split/),
      cause: expect.any(RangeError),
    }),
  )
  expect(tokenizer.toInputs('ab').tokens).toBe(2)
})

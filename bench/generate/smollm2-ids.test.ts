import { describe, expect, test } from 'vitest'
import { hasSmollm2 } from '../../src/testing/smollm2-model.ts'
import { conversations, newTokens } from './conversations.ts'
import { openOraclePrompts, openOwnLoop, openOwnPrompts, openTransformersLoop } from './oracle.ts'

// All twenty of them: npm run bench -- generate-ids
describe.skipIf(!hasSmollm2)('SmolLM2, beside Transformers.js', () => {
  test('twenty conversations are written down by the template, and split, alike', async () => {
    const [own, oracle] = [openOwnPrompts(), await openOraclePrompts()]
    expect(conversations).toHaveLength(20)
    for (const messages of conversations) expect(own(messages)).toEqual(oracle(messages))
  })

  test('the answers have the same ids, on the same file of 4 bits', async () => {
    const own = openOwnPrompts()
    const [ours, theirs] = [await openOwnLoop('q4'), await openTransformersLoop('q4')]
    for (const messages of conversations.slice(0, 2)) {
      const { ids } = own(messages)
      expect(await ours.write(ids, newTokens)).toEqual(await theirs.write(ids, newTokens))
    }
    await ours.close()
    await theirs.close()
  }, 300_000)
})

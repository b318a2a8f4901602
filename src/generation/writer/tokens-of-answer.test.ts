import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasStoriesModel, storiesModel } from '../../testing/stories-model.ts'
import { createRecital } from '../../testing/text-servers/recital.ts'
import { openTextCodec } from '../prompt/text-codec.ts'
import { createTextStream } from '../text/text-stream.ts'
import { tokensOfAnswer } from './tokens-of-answer.ts'

/** What ids add to a prompt's text. */
const added = (prompt: readonly number[], ids: readonly number[], decode: (ids: readonly number[]) => string) => {
  const stream = createTextStream(decode, prompt)
  return ids.map((id) => stream.push(id)).join('')
}

it('the tokens are of a beginning of the text, and of all of it but for blanks at its end', () => {
  const recital = createRecital()
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 500 }), fc.nat({ max: 400 }), (about, length) => {
      const prompt = recital.encode(`Tell of ${about}§`)
      const whole = recital.answer(`Tell of ${about}`)
      const cut = /[\ud800-\udbff]$/.test(whole.slice(0, length)) ? length - 1 : length
      const text = whole.slice(0, cut)
      const found = tokensOfAnswer(prompt, text, recital)
      expect(found.text).toBe(text.replace(/[ \t]+$/, ''))
      expect(added(prompt, found.answer, recital.decode)).toBe(found.text)
    }),
    { numRuns: 300 },
  )
})

describe.skipIf(!hasStoriesModel)('a tokenizer of SentencePiece', () => {
  it('keeps the blank before a word, and goes on within one', () => {
    const codec = openTextCodec(storiesModel(), { vocabulary: 512, contextTokens: 512 })
    const prompt = codec.encode('Once upon a time', { whole: true })
    for (const text of [', there was a', ', there was a little gi', ' there', 's', ', the\ncat. ', ' ', '']) {
      const found = tokensOfAnswer(prompt, text, codec)
      expect(found.text).toBe(text.replace(/ +$/, ''))
      expect(added(prompt, found.answer, codec.decode)).toBe(found.text)
    }
  })
})

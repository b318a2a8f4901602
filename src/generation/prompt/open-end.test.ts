import { describe, expect, it } from 'vitest'
import { hasStoriesModel, storiesModel } from '../../testing/stories-model.ts'
import { openEnd } from './open-end.ts'
import { openTextCodec } from './text-codec.ts'

describe('openEnd', () => {
  const tokens = ['a', 'he', 'hello', 'help', '!', '\u00e9']
  const codec = {
    decode: (ids: readonly number[]) => ids.map((id) => tokens[id] ?? '\ufffd').join(''),
    longer: (id: number) => tokens.flatMap((token, each) => (token.startsWith(tokens[id] ?? '?') ? [each] : [])),
  }

  it('takes a token back that may be the beginning of others', () => {
    expect(openEnd([0, 1], codec)).toEqual({ ids: [0], first: new Set([1, 2, 3]), written: 'he' })
  })

  it.each([
    ['one that begins no other', [0, 4]],
    ['the only one', [1]],
    ['one that follows a part of a character', [99, 1]],
  ])('leaves %s', (_, ids) => {
    expect(openEnd(ids, codec)).toEqual({ ids, written: '' })
  })
})

describe.skipIf(!hasStoriesModel)('longer tokens of a real tokenizer', () => {
  it('are those whose text begins alike, and no marks', () => {
    const model = storiesModel()
    const codec = openTextCodec(model, model)
    const [, one = 0] = codec.encode('.', { whole: false }).length > 1 ? codec.encode('.', { whole: false }) : [0, 0]
    const id = codec.token('▁w') ?? one
    const longer = codec.longer(id)
    expect(longer).toContain(id)
    expect(longer.length).toBeGreaterThan(1)
    for (const each of longer) expect(codec.decode([each]).trimStart()).toMatch(/^w/)
    // A mark of the beginning stands for no text.
    expect(codec.longer(1)).toEqual([1])
  })
})

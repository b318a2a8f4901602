import { describe, expect, it } from 'vitest'
import { hasOwnNames, toOptionWords } from './option-words.ts'

const general = { temperature: 0, top_k: 0, min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 }

describe('options in the words of a server', () => {
  it('are renamed where it has them under another name', () => {
    expect(toOptionWords('llama-cpp-python', { ...general, seed: 7 })).toEqual({
      repetition_penalty: undefined,
      repeat_penalty: 1,
    })
    expect(toOptionWords('mistral', { temperature: 0, seed: 7 })).toEqual({ seed: undefined, random_seed: 7 })
  })

  it('are left out where it does not know them and they change nothing', () => {
    expect(Object.keys(toOptionWords('transformers', general)).sort()).toEqual(
      Object.keys(general)
        .filter((name) => name !== 'temperature')
        .sort(),
    )
    expect(toOptionWords('transformers', { top_k: 40, repetition_penalty: 1.2 })).toEqual({})
    expect(Object.keys(toOptionWords('unknown', general)).sort()).toEqual(['min_p', 'repetition_penalty', 'top_k'])
  })

  it('stay where it calls them the same', () => {
    for (const kind of ['vllm', 'hither', 'gateway'] as const) {
      expect(toOptionWords(kind, general)).toEqual({})
    }
  })

  it("give way to what the request says in the server's own words", () => {
    expect(toOptionWords('llama.cpp', { repetition_penalty: 1, repeat_penalty: 1.3 })).toEqual({
      repetition_penalty: undefined,
    })
  })

  it('are told from those that all servers call the same', () => {
    expect([{ temperature: 0, seed: 1 }, { top_k: 0 }, { repetition_penalty: 1 }].map(hasOwnNames)).toEqual([
      false,
      true,
      true,
    ])
  })
})

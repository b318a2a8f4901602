import { describe, expect, it } from 'vitest'
import { readPreferences, writePreferences } from './preferences.ts'

function storageOf(text: string | null) {
  let kept = text
  return {
    getItem: () => kept,
    setItem: (_: string, value: string) => {
      kept = value
    },
    read: () => kept,
  }
}

const usual = { privacy: 'any', saveData: false, report: true, language: 'auto' }

describe('preferences', () => {
  it.each([null, '', 'no json', '[]', '{"privacy":"secret"}', '{"endpoint":"no address"}'])(
    'are the usual ones for %s',
    (text) => {
      expect(readPreferences(storageOf(text))).toEqual(usual)
    },
  )

  it('come back as they were written', () => {
    const storage = storageOf(null)
    const set = { ...readPreferences(storage), privacy: 'edge-only', endpoint: 'https://infer.example.com/' } as const
    writePreferences(set, storage)
    expect(readPreferences(storage)).toEqual(set)
  })

  it('last as long as the page where nothing can be kept', () => {
    const forbidden = {
      getItem(): string {
        throw new DOMException('no', 'SecurityError')
      },
      setItem() {
        throw new DOMException('full', 'QuotaExceededError')
      },
    }
    expect(readPreferences(forbidden)).toEqual(usual)
    expect(() => writePreferences(readPreferences(forbidden), forbidden)).not.toThrow()
  })
})

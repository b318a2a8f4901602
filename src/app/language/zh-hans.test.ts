import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { templates } from './zh-hans.ts'

const source = fileURLToPath(new URL('../..', import.meta.url))

/** The English texts of a room, by id: `t('id', 'text')` and, with values, ``t('id', str`text`)``. */
function textsOf(room: string): [id: string, values: number][] {
  const files = readdirSync(`${source}${room}`, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts') && !file.includes('.test.'))
    .flatMap((file) => {
      const text = readFileSync(`${source}${room}/${file}`, 'utf8')
      return [...text.matchAll(/\bt\(\s*'([\w.-]+)',\s*(?:str`([^`]*)`|['"])/g)].map(
        ([, id = '', withValues = '']): [string, number] => [id, withValues.split('${').length - 1],
      )
    })
}

const english = new Map([...textsOf('app'), ...textsOf('ui')])
const chinese = new Map(Object.entries(templates))

describe('Chinese', () => {
  it('has every text of the app', () => {
    expect(english.size).toBeGreaterThan(150)
    expect([...english.keys()].filter((id) => !chinese.has(id))).toEqual([])
  })

  it('has no text that nothing asks for', () => {
    const dynamic = /^(reason|move|error|label|model-title|model-about)\./
    expect([...chinese.keys()].filter((id) => !english.has(id) && !dynamic.test(id))).toEqual([])
  })

  it('uses each value once, by its number', () => {
    for (const [id, count] of english) {
      const text = chinese.get(id)
      const used = typeof text === 'object' ? [...text.values].map(Number).sort((a, b) => a - b) : []
      expect(used, id).toEqual(Array.from({ length: count }, (_, index) => index))
    }
  })
})

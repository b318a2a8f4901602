import { describe, expect, it } from 'vitest'
import { createWritingHistory, predictFirstTokenMs } from './writing-history.ts'

describe('predictFirstTokenMs', () => {
  const history = createWritingHistory()
  history.read.add(2)
  history.write.add(10)
  history.answer.add(1_000)
  const at = { promptTokens: 100, active: 0, waiting: 0, atATime: 4 }

  it.each([
    ['alone: its prompt and one token', at, 210],
    ['beside three others: in turns with them', { ...at, active: 3 }, 840],
    ['with no room: when one of four has ended', { ...at, active: 4 }, 250 + 840],
    ['behind two that wait', { ...at, active: 4, waiting: 2 }, 750 + 840],
  ])('%s', (_, situation, ms) => {
    expect(predictFirstTokenMs(history, situation)).toBe(ms)
  })

  it('counts nothing that was not seen yet, so that it will be', () => {
    expect(predictFirstTokenMs(createWritingHistory(), { ...at, active: 9, waiting: 9 })).toBe(0)
  })
})

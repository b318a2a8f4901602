import { describe, expect, it } from 'vitest'
import { createTurnTaking } from './take-turns.ts'

/** Answers that run so often, each run taking so long; in which order they run. */
async function order(answers: Readonly<Record<string, { readonly runs: number; readonly runMs: number }>>) {
  let nowMs = 0
  const taking = createTurnTaking(
    async () => {},
    () => nowMs,
  )
  let text = ''
  const all = Object.entries(answers).map(async ([name, { runs, runMs }]) => {
    const turns = taking.open()
    for (let run = 0; run < runs; run += 1) {
      await turns.next()
      text += name
      nowMs += runMs
    }
    turns.leave()
    return turns.ms
  })
  const times = await Promise.all(all)
  return { text, times }
}

describe('createTurnTaking', () => {
  it('lets each have a few runs at a time', async () => {
    const { text, times } = await order({
      a: { runs: 10, runMs: 1 },
      b: { runs: 6, runMs: 1 },
      c: { runs: 1, runMs: 1 },
    })
    expect(text).toBe('aaaabbbbcaaaabbaa')
    expect(times).toEqual([10, 6, 1])
  })

  it('lets others have a turn after each long run: tokens come between the pieces of a prompt', async () => {
    const { text } = await order({ p: { runs: 3, runMs: 200 }, a: { runs: 8, runMs: 1 } })
    expect(text).toBe('paaaapaaaap')
  })

  it('waits for nobody who has left', async () => {
    const taking = createTurnTaking(async () => {})
    const [first, second] = [taking.open(), taking.open()]
    await first.next()
    const waiting = second.next()
    first.leave()
    await waiting
    second.leave()
    await first.next()
  })
})

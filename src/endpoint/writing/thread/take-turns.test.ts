import { setImmediate } from 'node:timers/promises'
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

describe('shared turns', () => {
  /** Answers that read a prompt by pieces, and then share their runs: which runs there are, in which order. */
  async function runsOf(
    answers: Readonly<Record<string, { readonly pieces: number; readonly tokens: number; readonly leaves?: number }>>,
  ) {
    let nowMs = 0
    const taking = createTurnTaking(
      () => setImmediate(),
      () => nowMs,
    )
    const runs: string[] = []
    let together: string[] = []
    let running: Promise<void> = Promise.resolve()
    const run = async () => {
      await setImmediate()
      runs.push(together.sort().join(''))
      together = []
      nowMs += 10
    }
    const share = (name: string) => {
      together.push(name)
      if (together.length === 1) running = run()
      return running
    }
    const times = await Promise.all(
      Object.entries(answers).map(async ([name, { pieces, tokens, leaves }]) => {
        const turns = taking.open()
        for (let piece = 0; piece < pieces; piece += 1) {
          await turns.next()
          runs.push(name.toUpperCase())
          nowMs += 100
        }
        for (let token = 0; token < tokens; token += 1) {
          if (token === leaves) {
            turns.leave()
            for (let wait = 0; wait < 20; wait += 1) await setImmediate()
          }
          await turns.next(true)
          await share(name)
        }
        turns.leave()
        return turns.ms
      }),
    )
    return { runs, times }
  }

  it('are one run for all who write a token, and each is charged its part', async () => {
    const { runs, times } = await runsOf({ a: { pieces: 0, tokens: 3 }, b: { pieces: 0, tokens: 2 } })
    // The first one had nobody to wait for.
    expect(runs).toEqual(['a', 'ab', 'ab'])
    expect(times).toEqual([20, 10])
  })

  it('come between the pieces of prompts, whose readers join them then', async () => {
    const { runs } = await runsOf({
      a: { pieces: 0, tokens: 9 },
      b: { pieces: 0, tokens: 9 },
      p: { pieces: 2, tokens: 2 },
    })
    expect(runs).toEqual(['a', 'ab', 'ab', 'ab', 'P', 'ab', 'ab', 'ab', 'ab', 'P', 'abp', 'bp'])
  })

  it('wait for nobody who has left, and take whoever comes back', async () => {
    const { runs } = await runsOf({ a: { pieces: 0, tokens: 30 }, b: { pieces: 0, tokens: 4, leaves: 2 } })
    expect(runs.join(' ')).toMatch(/^a ab ab (a )+(ab ){2}a( a)*$/)
  })
})

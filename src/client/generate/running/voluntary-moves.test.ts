import { expect, it } from 'vitest'
import { cloud, conduct, edge, tick } from '../../../testing/conducted-writing.ts'

it('a low battery: the answer moves once a reader has enough to read, and what was not shown is wasted', async () => {
  let savesPower = false
  const { run, runs, write, moves, state, end, log, ended } = await conduct(edge, { savesPower: () => savesPower })
  run(0).events.begun({ ids: [] })
  write(0, 'a')
  savesPower = true
  write(0, 'b')
  // Two tokens ahead of a reader do not cover half a second.
  expect(runs).toHaveLength(1)
  write(0, 'cdef', 4)
  await tick()
  expect(run(1).ref).toEqual(cloud)
  expect(run(1).from.text).toBe('abcdef')
  write(0, 'XY', 2)
  expect(state.text).toBe('abcdef')
  run(1).events.begun({ ids: [1] })
  write(1, 'g')
  expect(run(0).signal.aborted).toBe(true)
  await run(1).end()
  await end
  expect(state.text).toBe('abcdefg')
  expect(moves()).toMatchObject([{ from: 'edge', to: 'cloud', reason: 'battery', atToken: 6 }])
  expect(log.wastedTokens).toBe(2)
  // Nobody was at fault.
  expect(ended.map(({ arm, result }) => [arm, result])).toEqual([
    ['edge', 'answered'],
    ['cloud', 'answered'],
  ])
})

it('a device that has grown hot, and takes three times as long for a token as predicted, is left', async () => {
  const { run, runs, write, moves, end, clock } = await conduct(edge)
  run(0).events.begun({ ids: [] })
  write(0, 'a')
  // Slower than it was, but not hot.
  for (let token = 0; token < 40; token += 1) {
    clock.pass(15)
    write(0, 'b')
  }
  expect(runs).toHaveLength(1)
  for (let token = 0; token < 80 && runs.length === 1; token += 1) {
    clock.pass(30)
    write(0, 'c')
    await tick()
  }
  run(1).events.begun({ ids: [1] })
  write(1, 'd')
  await run(1).end()
  await end
  expect(moves()).toMatchObject([{ from: 'edge', to: 'cloud', reason: 'heat' }])
})

it('where the whole is wanted, the answer moves to an arm that would be done much sooner', async () => {
  const { run, runs, write, moves, end, clock } = await conduct(cloud, { objective: 'whole' })
  run(0).events.begun({ ids: [] })
  write(0, 'a', 10)
  for (let token = 0; token < 20 && runs.length === 1; token += 1) {
    clock.pass(400)
    write(0, 'b')
    await tick()
  }
  expect(run(1).ref).toEqual(edge)
  run(1).events.begun({ ids: [1] })
  write(1, 'c')
  await run(1).end()
  await end
  expect(moves()).toMatchObject([{ from: 'cloud', to: 'edge', reason: 'faster' }])
})

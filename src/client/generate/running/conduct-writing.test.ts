import { expect, it } from 'vitest'
import { CloudError } from '../../../errors/cloud-error.ts'
import { EdgeError } from '../../../errors/edge-error.ts'
import { cloud, conduct, edge, tick } from '../../../testing/conducted-writing.ts'

const gone = () => new CloudError('cloud-unreachable', 'The connection was cut.')

it('what a model has thought is no part of the answer: the other arm begins anew', async () => {
  const { run, write, moves, state, end, log } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  run(0).events.aside('reasoning', 5)
  await run(0).fail(gone())
  await tick()
  expect(run(1).ref).toEqual(edge)
  expect(run(1).from).toMatchObject({ text: '', tokens: 0 })
  run(1).events.begun({ ids: [] })
  write(1, 'Yes.')
  await run(1).end()
  await end
  expect(state.text).toBe('Yes.')
  expect(moves()).toEqual([])
  expect(log.reason).toBe('cloud-failed')
})

it('a call that was not complete is asked for once more, after the text before it', async () => {
  const { run, write, moves, end, state } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  write(0, 'Let me see. ')
  run(0).events.aside('tool-call', 1)
  await run(0).fail(gone())
  await tick()
  expect(run(1).from).toMatchObject({ text: 'Let me see. ', tokens: 1 })
  run(1).events.begun({ ids: [1] })
  const calls = [{ name: 'look_up', arguments: {} }]
  await run(1).end({ reason: 'tool-calls', toolCalls: calls, writtenTokens: 8 })
  expect(await end).toMatchObject({ reason: 'tool-calls', toolCalls: calls })
  expect(state.tokens).toBe(9)
  expect(moves()).toHaveLength(1)
})

it('the first token of an answer that begins with a call or with thoughts is what comes first', async () => {
  for (const kind of ['tool-call', 'reasoning'] as const) {
    const { run, end, clock, learner } = await conduct(cloud)
    run(0).events.begun({ ids: [] })
    clock.pass(300)
    run(0).events.aside(kind, 1)
    for (let piece = 0; piece < 20; piece += 1) {
      clock.pass(1_000)
      run(0).events.aside(kind, 1)
    }
    await run(0).end({ reason: 'tool-calls', toolCalls: [], writtenTokens: 21 })
    await end
    const place = { arm: 'cloud', model: 'm', endpoint: 'c' } as const
    const { firstToken, token } = learner.forecast(place, { promptTokens: 10, answerTokens: 50 })
    expect(Math.exp(firstToken.mu)).toBeLessThan(700)
    expect(Math.exp(token.mu)).toBeGreaterThan(300)
  }
})

it('the arm that a text was to move to fails: the one that works goes on, and nothing is lost', async () => {
  let savesPower = false
  const { run, runs, write, moves, state, end, settled } = await conduct(edge, { savesPower: () => savesPower })
  run(0).events.begun({ ids: [] })
  savesPower = true
  write(0, 'abcdef', 6)
  await tick()
  write(0, 'gh', 2)
  await run(1).fail(gone())
  expect(state.text).toBe('abcdefgh')
  write(0, 'i')
  await run(0).end()
  await end
  expect(state.text).toBe('abcdefghi')
  expect(moves()).toEqual([])
  // It is not tried again and again.
  expect(runs).toHaveLength(2)
  expect(settled()).toBe(1)
})

it('who was to take over from a silent arm is heard no more once that one speaks', async () => {
  const { run, write, moves, state, end, clock } = await conduct(cloud)
  run(0).events.begun({ ids: [] })
  write(0, 'ab', 2)
  clock.pass(60_000)
  await tick()
  expect(run(1).from.text).toBe('ab')
  run(1).events.begun({ ids: [1, 1] })
  write(0, 'c')
  expect(run(1).signal.aborted).toBe(true)
  // It knows nothing of the third letter.
  write(1, 'c')
  write(0, 'd')
  await run(0).end()
  await end
  expect(state.text).toBe('abcd')
  expect(moves()).toEqual([])
})

it('what was read ahead in vain is stopped, and counted', async () => {
  const readings: { readonly signal: AbortSignal; readonly read: (tokens: number) => void }[] = []
  const { run, write, log, end, clock } = await conduct(cloud, {
    readAhead: (_, read, signal) =>
      new Promise((_resolve, reject) => {
        readings.push({ signal, read })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  run(0).events.begun({ ids: [] })
  write(0, 'ab', 2)
  for (let at = 0; at < 100 && readings.length === 0; at += 1) clock.pass(50)
  readings[0]?.read(7)
  expect(readings[0]?.signal.aborted).toBe(false)
  write(0, 'c')
  expect(readings[0]?.signal.aborted).toBe(true)
  expect(log.wastedTokens).toBe(7)
  await run(0).end()
  await end
})

it('who prefers this device is not moved away from it while it works', async () => {
  const { run, runs, write, state, end } = await conduct(edge, { savesPower: () => true, staysHere: true })
  run(0).events.begun({ ids: [] })
  write(0, 'abcdef', 6)
  await tick()
  await run(0).end()
  await end
  expect([runs.length, state.text]).toEqual([1, 'abcdef'])
})

it('what no arm can answer is not asked of the other one', async () => {
  const { run, runs, end } = await conduct(cloud)
  const refused = new CloudError('cloud-refused', 'Its filter ended the answer.', { context: { filter: true } })
  await run(0).fail(refused)
  await expect(end).rejects.toBe(refused)
  expect(runs).toHaveLength(1)
})

it('every arm has failed: the error names each', async () => {
  const { run, end } = await conduct(cloud)
  await run(0).fail(new CloudError('cloud-bad-response', 'Nonsense.'))
  await tick()
  await run(1).fail(new EdgeError('edge-run-failed', 'The run failed.'))
  await expect(end).rejects.toMatchObject({
    code: 'no-arm',
    attempts: [{ code: 'cloud-bad-response' }, { code: 'edge-run-failed' }],
  })
})

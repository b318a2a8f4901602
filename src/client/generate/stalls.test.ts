import { describe, expect, it } from 'vitest'
import {
  answersOf,
  answerTo,
  chatAbout,
  edge,
  movesOf,
  openHandOver,
  recital,
} from '../../testing/hand-over-fixture.ts'
import { until } from '../../testing/until.ts'

describe('a stall', () => {
  const stalled = async () => {
    const opened = await openHandOver('byIds')
    const input = chatAbout('a stall')
    opened.server.fail({ kind: 'stall', at: 9 })
    const answer = await opened.conduct(input, opened.cloud, { fallbacks: [edge] })
    await until(() => answer.state.tokens === 9)
    return { ...opened, ...answer, input }
  }

  it('this device reads ahead when one is likely, and goes on when it is one; the arm has failed (case 55)', async () => {
    const { clock, device, end, shown, input, parts, log, server } = await stalled()
    while (device.readAhead === 0) {
      clock.pass(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(movesOf(parts)).toEqual([])
    await until(() => device.open === 0)
    while (movesOf(parts).length === 0) {
      clock.pass(200)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toMatchObject([{ from: 'cloud', to: 'edge', reason: 'stalled', atToken: 9 }])
    expect(log.attempts()).toMatchObject([
      { arm: 'cloud', result: 'failed', error: 'stalled' },
      { arm: 'edge', result: 'answered' },
    ])
    expect(log.wastedTokens).toBe(0)
    // Nobody hears of the endpoint any more.
    await until(() => server.open === 0)
  })

  it('who speaks again before the other one has begun goes on itself, and the other one is aborted', async () => {
    const { conduct, device, server, cloud } = await openHandOver('byIds')
    const input = chatAbout('a pause')
    server.fail({ kind: 'stall', at: 0 })
    let isSilent = false
    let tokens = 0
    const { clock, end, shown, parts, log } = await conduct(input, edge, {
      fallbacks: [cloud],
      onPart(part) {
        tokens += part.type === 'text' ? part.tokens : 0
        if (tokens >= 7 && !isSilent) device.hold(true)
        isSilent ||= tokens >= 7
      },
    })
    await until(() => isSilent)
    while (answersOf(server).length === 0) {
      clock.pass(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    device.hold(false)
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toEqual([])
    expect(log.attempts()).toMatchObject([
      { arm: 'edge', result: 'answered' },
      { arm: 'cloud', result: 'lost' },
    ])
    await until(() => server.open === 0)
  })
})

it('a race for the first token: who begins first goes on, the other one is aborted and its tokens counted', async () => {
  const { conduct, device, cloud, server } = await openHandOver('hither')
  const input = chatAbout('a race')
  device.hold(true)
  const { end, shown, log, parts } = await conduct(input, edge, {
    second: { ...cloud, afterMs: 0 },
    fallbacks: [cloud],
  })
  await end
  device.hold(false)
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toEqual([])
  expect(log.attempts()).toMatchObject([
    { arm: 'edge', result: 'lost' },
    { arm: 'cloud', result: 'answered' },
  ])
  expect(log.wastedTokens).toBeGreaterThan(0)
  expect(log.first).toMatchObject(cloud)
  await until(() => device.open === 0)
  expect(answersOf(server)).toHaveLength(1)
})

it('offline while the endpoint writes: this device goes on at once, and the endpoint is not at fault', async () => {
  const { conduct, cloud, server, setOnline } = await openHandOver('byIds')
  const input = chatAbout('the sea')
  server.fail({ kind: 'stall', at: 6 })
  const { end, shown, state, parts, log } = await conduct(input, cloud, { fallbacks: [edge] })
  await until(() => state.tokens === 6)
  setOnline(false)
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ reason: 'offline', to: 'edge' }])
  expect(log.attempts()[0]).toMatchObject({ arm: 'cloud', result: 'answered' })
})

it('an abort ends all that is under way, and rejects with its reason', async () => {
  const { conduct, device, cloud, server } = await openHandOver('byIds')
  device.hold(true)
  server.fail({ kind: 'stall', at: 0 })
  const { end, abort } = await conduct(chatAbout('enough'), edge, { second: { ...cloud, afterMs: 0 } })
  await until(() => answersOf(server).length === 1 && device.open === 1)
  const reason = new Error('enough')
  abort(reason)
  await expect(end).rejects.toBe(reason)
  device.hold(false)
  await until(() => device.open === 0 && server.open === 0)
})

it('a page that was reloaded goes on with what an endpoint had begun, on whichever side (case 56)', async () => {
  const records = new Map<string, unknown>()
  // A long answer.
  const input = Array.from({ length: 50 }, (_, about) => chatAbout(about)).find(
    (each) => recital.encode(answerTo(each)).length > 60,
  )
  if (input === undefined) throw new Error('no answer is long')
  const options = { temperature: 0, maxTokens: 1_000, journal: 'night' }
  // The model is not here, and data is saved: the endpoint writes.
  const first = await openHandOver('byIds', {}, { records, edgeStatus: 'absent', saveData: true })
  first.server.fail({ kind: 'destroy', at: 40 })
  let tokens = 0
  const begun = await first.read(input, options, (part) => {
    tokens += part.type === 'text' ? part.tokens : 0
    if (tokens >= 30) first.server.fail({ kind: 'status', status: 500 })
  })
  expect(begun.result.finishReason).toBe('cut-off')
  expect(begun.result.route).toMatchObject({ ran: 'cloud', writing: { finishReason: 'cut-off' } })
  expect(records.size).toBe(1)
  // Only this device is left.
  const next = await openHandOver('ignores', {}, { records })
  const { shown, result } = await next.read(input, options)
  expect(shown).toBe(answerTo(input))
  expect(result).toMatchObject({ text: shown, finishReason: 'stop', route: { ran: 'edge' } })
  expect(next.device.asked[0]?.answerText?.tokens).toBeGreaterThan(0)
  expect(records.size).toBe(0)
})

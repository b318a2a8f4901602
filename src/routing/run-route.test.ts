import { expect, test, vi } from 'vitest'
import type { Arm } from '../contracts/route.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { ValidationError } from '../errors/validation-error.ts'
import { createBreaker } from './breaker.ts'
import type { Decision } from './decide-route.ts'
import { noArmReasons } from './no-arm-reasons.ts'
import { runRoute } from './run-route.ts'

const cloudFirst: Decision = { arm: 'cloud', fallback: 'edge', reason: 'cloud-faster', predicted: {} }
const cloudOnly: Decision = { arm: 'cloud', reason: 'cloud-only', predicted: {} }
const down = new CloudError('cloud-unreachable', 'The endpoint cannot be reached.')

const run = (decision: Decision, attempt: (arm: Arm) => Promise<string>, signal?: AbortSignal) => {
  let clock = 0
  const breakers = { edge: createBreaker(), cloud: createBreaker() }
  const nowMs = () => (clock += 10)
  return { breakers, result: runRoute({ decision, attempt, breakers, nowMs, signal }) }
}

test('the chosen arm answers', async () => {
  const { result } = run(cloudFirst, async (arm) => arm)
  expect(await result).toEqual({
    value: 'cloud',
    ran: 'cloud',
    reason: 'cloud-faster',
    attempts: [{ arm: 'cloud', ms: 10 }],
  })
})

test('a fault of the arm falls over, once, and says so', async () => {
  const attempt = vi.fn(async (arm: Arm) => {
    if (arm === 'cloud') throw down
    return arm
  })
  expect(await run(cloudFirst, attempt).result).toMatchObject({
    ran: 'edge',
    reason: 'cloud-failed',
    attempts: [{ arm: 'cloud', error: 'cloud-unreachable' }, { arm: 'edge' }],
  })
  expect(attempt).toHaveBeenCalledTimes(2)
})

test('a fault of the request does not fall over', async () => {
  const bad = new ValidationError('input-shape', 'It does not fit.')
  const attempt = vi.fn(async () => {
    throw bad
  })
  await expect(run(cloudFirst, attempt).result).rejects.toBe(bad)
  expect(attempt).toHaveBeenCalledTimes(1)
})

test('without another arm, or when both fail, one error holds every attempt', async () => {
  await expect(run(cloudOnly, () => Promise.reject(down)).result).rejects.toMatchObject({
    code: 'no-arm',
    attempts: [down],
  })
  const crashed = new EdgeError('edge-crashed', 'It crashed.')
  const both = run(cloudFirst, (arm) => Promise.reject(arm === 'cloud' ? down : crashed))
  await expect(both.result).rejects.toMatchObject({ name: 'NoArmError', attempts: [down, crashed] })
})

test('an abort is rethrown untouched and counts against no arm', async () => {
  const controller = new AbortController()
  const { result, breakers } = run(
    cloudFirst,
    () => {
      controller.abort('enough')
      return Promise.reject(down)
    },
    controller.signal,
  )
  // One failure short of open, so that a counted abort would show.
  breakers.cloud.failure(0)
  breakers.cloud.failure(0)
  await expect(result).rejects.toBe('enough')
  expect(breakers.cloud.state(1000)).toBe('closed')
  breakers.cloud.failure(1000)
  expect(breakers.cloud.state(1001)).toBe('open')
})

test('after an abort nothing is tried, not even the other arm', async () => {
  const attempt = vi.fn(async (arm: Arm) => arm)
  await expect(run(cloudFirst, attempt, AbortSignal.abort('before')).result).rejects.toBe('before')
  expect(attempt).not.toHaveBeenCalled()
})

test('a fault of the arm counts; a fault of the request or an unknown one does not', async () => {
  const causes = [
    [down, 'open'],
    [new ValidationError('input-shape', 'It does not fit.'), 'closed'],
    [new TypeError('a mistake in the program'), 'closed'],
  ] as const
  for (const [cause, state] of causes) {
    const { result, breakers } = run(cloudOnly, () => Promise.reject(cause))
    breakers.cloud.failure(0)
    breakers.cloud.failure(0)
    await expect(result).rejects.toBeDefined()
    expect(breakers.cloud.state(1000)).toBe(state)
  }
})

test('a fault of the request on the other arm is rethrown untouched', async () => {
  const bad = new ValidationError('input-shape', 'It does not fit.')
  const { result } = run(cloudFirst, (arm) => Promise.reject(arm === 'cloud' ? down : bad))
  await expect(result).rejects.toBe(bad)
})

test('without any arm the error says why and nothing is tried', async () => {
  const attempt = vi.fn(async (arm: Arm) => arm)
  const nowhere: Decision = { arm: undefined, reason: 'cloud-only-offline', predicted: {} }
  await expect(run(nowhere, attempt).result).rejects.toMatchObject({
    name: 'NoArmError',
    code: 'no-arm',
    message: noArmReasons['cloud-only-offline'],
  })
  expect(attempt).not.toHaveBeenCalled()
})

test('three failures in a row open a breaker for 30 s, then one probe is let through', () => {
  const breaker = createBreaker()
  const fail = (at: number) => {
    breaker.begin(at)
    breaker.failure(at)
  }
  fail(0)
  fail(1)
  breaker.success()
  fail(2)
  fail(3)
  expect(breaker.allows(4)).toBe(true)
  fail(4)
  expect(breaker.allows(5)).toBe(false)
  expect(breaker.allows(30_003)).toBe(false)
  expect(breaker.allows(30_005)).toBe(true)
  breaker.begin(30_005)
  expect(breaker.allows(30_006)).toBe(false)
  breaker.success()
  expect(breaker.state(30_007)).toBe('closed')
})

test('an edge that failed twice as the only arm does not blame the cloud', async () => {
  const crashed = new EdgeError('edge-crashed', 'It crashed.')
  const edgeTwice: Decision = { arm: 'edge', fallback: 'edge', reason: 'edge-only', predicted: {} }
  await expect(run(edgeTwice, () => Promise.reject(crashed)).result).rejects.toMatchObject({
    message: 'The request was not answered. This device: It crashed.',
    attempts: [crashed, crashed],
  })
})

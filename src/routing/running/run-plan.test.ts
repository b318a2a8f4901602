import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { CloudError } from '../../errors/cloud-error.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { createManualTimers } from '../../testing/manual-timers.ts'
import type { ArmRef, RoutePlan, RunEnd, SecondRun } from '../router-types.ts'
import { OvertakenError, runPlan } from './run-plan.ts'

const edge: ArmRef = { arm: 'edge' }
const cloud: ArmRef = { arm: 'cloud', endpoint: 'https://a' }
const far: ArmRef = { arm: 'cloud', endpoint: 'https://b' }
const down = new CloudError('cloud-unreachable', 'The endpoint cannot be reached.')
const crashed = new EdgeError('edge-crashed', 'It crashed.')
const tooLarge = new CloudError('cloud-too-large', 'It is too large.')
const unfit = new ValidationError('input-shape', 'It does not fit.')

const planOf = (first: ArmRef, fallbacks: readonly ArmRef[], second?: SecondRun): RoutePlan => ({
  ...first,
  model: 'm',
  reason: first.arm === 'edge' ? 'edge-faster' : 'cloud-faster',
  fallbacks,
  ...(second === undefined ? {} : { second }),
  predicted: {},
  arms: [],
})
const nameOf = ({ arm, endpoint }: ArmRef) => endpoint ?? arm

/** Runs a plan; each run of it waits until the test lets it answer or fail. */
function play(plan: RoutePlan, signal?: AbortSignal) {
  const ends: RunEnd[] = []
  const settled = vi.fn()
  const timers = createManualTimers()
  const started: { name: string; signal: AbortSignal; answer: () => void; fail: (error: unknown) => void }[] = []
  let clock = 0
  const result = runPlan<string>({
    plan,
    router: { observe: (_, end) => ends.push(end), settle: settled },
    attempt: (ref, runSignal) =>
      new Promise((resolve, reject) => {
        const name = nameOf(ref)
        started.push({ name, signal: runSignal, answer: () => resolve(name), fail: reject })
      }),
    timers,
    nowMs: () => (clock += 10),
    signal,
  })
  result.catch(() => {})
  const at = (index: number) => {
    const run = started[index]
    if (run === undefined) throw new Error(`run ${index} was not started`)
    return run
  }
  const names = () => started.map(({ name }) => name)
  return { result, ends, settled, timers, at, names }
}
const tick = async () => {
  for (let index = 0; index < 10; index += 1) await Promise.resolve()
}

test('the first run answers before it is time for the second: one run, no timer left', async () => {
  const game = play(planOf(cloud, [edge], { ...edge, afterMs: 200, purpose: 'hedge' }))
  await tick()
  game.at(0).answer()
  expect(await game.result).toMatchObject({
    value: 'https://a',
    ran: cloud,
    reason: 'cloud-faster',
    attempts: [{ arm: 'cloud', endpoint: 'https://a', startedMs: 0, result: 'answered' }],
  })
  expect([game.names(), game.timers.size]).toEqual([['https://a'], 0])
  expect(game.settled).toHaveBeenCalledTimes(1)
})

test('a slow first run is hedged; the second answers, the first is aborted and told as lost (case 35)', async () => {
  const game = play(planOf(cloud, [edge], { ...edge, afterMs: 200, purpose: 'hedge' }))
  await tick()
  game.timers.fireAll()
  await tick()
  game.at(1).answer()
  const outcome = await game.result
  expect(outcome).toMatchObject({ ran: edge, reason: 'cloud-overtaken' })
  expect(game.at(0).signal.reason).toBeInstanceOf(OvertakenError)
  // Its answer, should it still come, is nobody's.
  game.at(0).answer()
  await tick()
  expect(await game.result).toBe(outcome)
  expect(game.ends.map(({ arm, result }) => [arm, result])).toEqual([
    ['edge', 'answered'],
    ['cloud', 'lost'],
  ])
  expect(game.settled).toHaveBeenCalledTimes(1)
})

test('a race starts both at once, and the record says that it was to learn', async () => {
  const game = play(planOf(edge, [cloud], { ...cloud, afterMs: 0, purpose: 'explore' }))
  await tick()
  expect(game.names()).toEqual(['edge', 'https://a'])
  game.at(0).answer()
  expect(await game.result).toMatchObject({ ran: edge, reason: 'explored' })
})

test('a first run that fails starts the second at once, and then the fall-backs in their order', async () => {
  const game = play(planOf(cloud, [edge, far], { ...edge, afterMs: 5_000, purpose: 'hedge' }))
  await tick()
  game.at(0).fail(down)
  await tick()
  // Its time comes later: it has started already.
  game.timers.fireAll()
  await tick()
  expect(game.names()).toEqual(['https://a', 'edge'])
  game.at(1).fail(crashed)
  await tick()
  game.at(2).answer()
  expect(await game.result).toMatchObject({ ran: far, reason: 'cloud-faster' })
  expect(game.ends.map(({ result }) => result)).toEqual(['failed', 'failed', 'answered'])
})

test('another arm that answers after a failure says whose fault it was', async () => {
  const game = play(planOf(cloud, [edge]))
  await tick()
  game.at(0).fail(down)
  await tick()
  game.at(1).answer()
  expect(await game.result).toMatchObject({ ran: edge, reason: 'cloud-failed' })
})

test('a failure while the other run is under way waits for that one', async () => {
  const game = play(planOf(edge, [cloud, far], { ...cloud, afterMs: 0, purpose: 'explore' }))
  await tick()
  game.at(0).fail(unfit)
  await tick()
  expect(game.names()).toEqual(['edge', 'https://a'])
  game.at(1).answer()
  expect(await game.result).toMatchObject({ ran: cloud })
})

test("a request's own fault does not go on to another arm", async () => {
  const game = play(planOf(cloud, [edge], { ...edge, afterMs: 100, purpose: 'hedge' }))
  await tick()
  game.at(0).fail(unfit)
  await expect(game.result).rejects.toBe(unfit)
  game.timers.fireAll()
  await tick()
  expect(game.names()).toEqual(['https://a'])
  expect(game.ends).toMatchObject([{ result: 'abandoned' }])
})

test('an endpoint that finds a request too large is not to blame, and the edge takes it', async () => {
  const game = play(planOf(cloud, [edge]))
  await tick()
  game.at(0).fail(tooLarge)
  await tick()
  game.at(1).answer()
  expect(await game.result).toMatchObject({ ran: edge })
  expect(game.ends[0]).toMatchObject({ arm: 'cloud', result: 'abandoned' })
})

test('when every arm fails, one error holds every attempt', async () => {
  const game = play(planOf(cloud, [edge]))
  await tick()
  game.at(0).fail(down)
  await tick()
  game.at(1).fail(crashed)
  await expect(game.result).rejects.toMatchObject({ code: 'no-arm', attempts: [down, crashed] })
  expect(game.settled).toHaveBeenCalledTimes(1)
})

test('an abort stops both runs, tells nothing against them, and keeps its own reason (case 34)', async () => {
  const controller = new AbortController()
  const game = play(planOf(edge, [cloud], { ...cloud, afterMs: 0, purpose: 'explore' }), controller.signal)
  await tick()
  const reason = new Error('enough')
  controller.abort(reason)
  await expect(game.result).rejects.toBe(reason)
  expect([game.at(0).signal.aborted, game.at(1).signal.aborted]).toEqual([true, true])
  expect(game.ends.map(({ result }) => result)).toEqual(['abandoned', 'abandoned'])
  game.at(0).answer()
  await expect(game.result).rejects.toBe(reason)
  await expect(play(planOf(edge, []), AbortSignal.abort(reason)).result).rejects.toBe(reason)
})

test.each<[string, ArmRef, unknown, boolean]>([
  ['the edge, with a new worker', edge, crashed, true],
  ['an endpoint that is busy for a moment', cloud, busy(200), true],
  ['an endpoint that is busy for long', cloud, busy(60_000), false],
  ['an endpoint that lacks the model', cloud, new CloudError('cloud-model-missing', 'It is not there.'), false],
])('the only arm is asked once more where that may help: %s', async (_, only, error, again) => {
  const game = play(planOf(only, []))
  await tick()
  game.at(0).fail(error)
  await tick()
  game.timers.fireAll()
  await tick()
  expect(game.names()).toHaveLength(again ? 2 : 1)
  if (again) game.at(1).fail(error)
  await expect(game.result).rejects.toMatchObject({ code: 'no-arm' })
})

function busy(retryAfterMs: number) {
  return new CloudError('cloud-overloaded', 'It is busy.', { context: { status: 503, retryAfterMs } })
}

test('whatever happens in whatever order, a request ends once, every run is told once, and nothing begins after it', async () => {
  const refs = fc.constantFrom(edge, cloud, far)
  const plans = fc
    .tuple(refs, fc.array(refs, { maxLength: 3 }), fc.option(refs), fc.constantFrom(0, 100))
    .map(([first, fallbacks, second, afterMs]) =>
      planOf(first, fallbacks, second === null ? undefined : { ...second, afterMs, purpose: 'hedge' }),
    )
  const errors = [down, crashed, tooLarge, unfit, new Error('unknown')]
  const events = fc.array(fc.tuple(fc.constantFrom('answer', 'fail', 'fire', 'abort'), fc.nat(4)), { maxLength: 14 })
  await fc.assert(
    fc.asyncProperty(plans, events, async (plan, happenings) => {
      const controller = new AbortController()
      const game = play(plan, controller.signal)
      let ended = 0
      void game.result.then(
        () => (ended += 1),
        () => (ended += 1),
      )
      let runsAtEnd: number | undefined
      for (const [what, which] of happenings) {
        await tick()
        const count = game.names().length
        if (ended > 0) runsAtEnd ??= count
        if (what === 'fire') game.timers.fireAll()
        else if (what === 'abort') controller.abort()
        else if (what === 'answer') game.at(which % count).answer()
        else game.at(which % count).fail(errors[which % errors.length])
      }
      controller.abort()
      await tick()
      expect(ended).toBe(1)
      expect(game.settled).toHaveBeenCalledTimes(1)
      if (runsAtEnd !== undefined) expect(game.names()).toHaveLength(runsAtEnd)
      expect(game.ends).toHaveLength(game.names().length)
      expect(game.ends.filter(({ result }) => result === 'answered').length).toBeLessThanOrEqual(1)
      expect(game.timers.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})

import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import { routerSettings } from '../router-settings.ts'
import type { ArmPrice, ArmRef, RoutePlan, RouterPolicy, RunEnd, SecondRun } from '../router-types.ts'
import { createAccounts } from './accounts.ts'

const edge: ArmRef = { arm: 'edge' }
const cloud: ArmRef = { arm: 'cloud', endpoint: 'near' }

const planOf = (first: ArmRef, second?: ArmRef): RoutePlan => ({
  ...first,
  model: 'digits',
  reason: 'edge-faster',
  fallbacks: [],
  ...(second === undefined ? {} : { second: { ...second, afterMs: 10, purpose: 'hedge' } satisfies SecondRun }),
  predicted: {},
  arms: [],
})

/** Accounts in which every arm is predicted to take at most 100 ms in nine of ten runs. */
function open(policy: Partial<RouterPolicy> = {}, price: ArmPrice = {}) {
  const accounts = createAccounts(routerSettings, policy)
  const arms = [edge, cloud].map((ref) => ({ ...ref, time: logNormal(80, 0.05), p90Ms: 100, price }))
  const reserve = (plan: RoutePlan, nowMs = 0) => {
    accounts.reserve(plan, arms, nowMs)
    return plan
  }
  const end = (ref: ArmRef, result: RunEnd['result'], ms = 80, nowMs = 0) => {
    const plan = reserve(planOf(ref), nowMs)
    accounts.observe(plan, { ...ref, result, ms }, nowMs)
    accounts.settle(plan)
  }
  const scaleOf = () => (accounts.snapshot() as { readonly edgeScale: number }).edgeScale
  return { accounts, reserve, end, scaleOf }
}

test('a second run takes a token, and the run that is wasted pays it', () => {
  const levelsAfter = (ends: readonly [ArmRef, RunEnd['result']][]) => {
    const { accounts, reserve } = open()
    const { tokens } = accounts.waste
    const plan = reserve(planOf(cloud, edge))
    expect(tokens.edge.level).toBe(routerSettings.edgeBurst - 1)
    for (const [ref, result] of ends) accounts.observe(plan, { ...ref, result, ms: 80 }, 0)
    accounts.settle(plan)
    accounts.settle(plan)
    return [routerSettings.edgeBurst - tokens.edge.level, routerSettings.cloudBurst - tokens.cloud.level]
  }
  const never = levelsAfter([[cloud, 'answered']])
  const secondLost = levelsAfter([
    [cloud, 'answered'],
    [edge, 'lost'],
  ])
  const firstLost = levelsAfter([
    [edge, 'answered'],
    [cloud, 'lost'],
  ])
  expect({ never, secondLost, firstLost }).toEqual({ never: [0, 0], secondLost: [1, 0], firstLost: [0, 1] })
})

test('runs beyond the 90th percentile widen the predictions, also those that lost; failures teach nothing', () => {
  const changeAfter = (result: RunEnd['result'], ms: number) => {
    const { end, scaleOf } = open()
    const before = scaleOf()
    end(edge, result, ms)
    return Math.sign(scaleOf() - before)
  }
  expect([changeAfter('answered', 150), changeAfter('answered', 50)]).toEqual([1, -1])
  // A lost run would have taken longer still: one cut off early may have ended on either side.
  expect([changeAfter('lost', 150), changeAfter('lost', 50)]).toEqual([1, 0])
  expect([changeAfter('failed', 150), changeAfter('abandoned', 150)]).toEqual([0, 0])
})

test('three failures in a row open an arm’s breaker, aborted and lost runs do not', () => {
  const { accounts, end } = open()
  for (let run = 0; run < 5; run += 1) {
    end(cloud, 'abandoned')
    end(cloud, 'lost')
  }
  expect(accounts.allows(cloud, 0)).toBe(true)
  end(cloud, 'failed')
  end(cloud, 'failed')
  end(cloud, 'answered')
  end(cloud, 'failed')
  end(cloud, 'failed')
  expect(accounts.allows(cloud, 0)).toBe(true)
  end(cloud, 'failed')
  expect([accounts.allows(cloud, 0), accounts.allows(edge, 0)]).toEqual([false, true])
  expect(accounts.allows({ arm: 'cloud', endpoint: 'far' }, 0)).toBe(true)
})

test('of an arm that is set aside, one plan at a time tries whether it works again', () => {
  const { accounts, end, reserve } = open()
  for (let run = 0; run < 3; run += 1) end(cloud, 'failed')
  expect(accounts.allows(cloud, 30_000)).toBe(true)
  reserve(planOf(cloud), 30_000)
  expect(accounts.allows(cloud, 30_001)).toBe(false)
})

test.each<[keyof ArmPrice, Partial<RouterPolicy>]>([
  ['money', { budgets: { moneyPerHour: 1 } }],
  ['energyJ', { budgets: { energyJPerHour: 1 } }],
  ['dataBytes', { budgets: { dataBytesPerHour: 1 } }],
])('%s has a price once most of its budget is spent', (resource, policy) => {
  const { accounts, end } = open(policy, { [resource]: 0.01 })
  const price = () => accounts.extraMsOf({ [resource]: 0.01 }, 600_000)
  expect(price()).toBe(0)
  for (let run = 0; run < 60; run += 1) end(cloud, 'answered', 80, 10_000 * run)
  expect(price()).toBeGreaterThan(0)
  // The other resources have no budget.
  expect(accounts.extraMsOf({ money: 1, energyJ: 1, dataBytes: 1, [resource]: 0 }, 600_000)).toBe(0)
})

test('a worse answer costs its penalty, and an invalid price nothing', () => {
  const { accounts } = open()
  expect(accounts.extraMsOf({ qualityMs: 40 }, 0)).toBe(40)
  for (const qualityMs of [Number.NaN, -1, Number.POSITIVE_INFINITY])
    expect(accounts.extraMsOf({ qualityMs }, 0)).toBe(0)
})

test('the calibration of both arms is restored, invalid data is ignored', () => {
  const { accounts, end } = open()
  for (let run = 0; run < 5; run += 1) end(edge, 'answered', 500)
  end(cloud, 'answered', 50)
  const stored = accounts.snapshot()
  const later = open().accounts
  expect(later.snapshot()).not.toEqual(stored)
  later.restore(JSON.parse(JSON.stringify(stored)))
  expect(later.snapshot()).toEqual(stored)
  const nonsense = [
    undefined,
    null,
    1,
    'x',
    {},
    { version: 2, edgeScale: 1 },
    { version: 1, edgeScale: 'x', cloudScale: Number.NaN },
  ]
  for (const each of nonsense) later.restore(each)
  expect(later.snapshot()).toEqual(stored)
})

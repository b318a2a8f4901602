import { expect, test } from 'vitest'
import type { RouteReason } from '../../../contracts/route.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import type { ArmPrice } from '../../router-types.ts'
import type {
  NoTextReason,
  TextCloudOption,
  TextEdgeOption,
  TextForecast,
  TextPrice,
  TextSnapshot,
} from '../text-types.ts'
import { createTextRouter } from './create-text-router.ts'
import { explainText, reasonOfFirstToken } from './explain-text.ts'

const writes = (firstMs: number, tokenMs = 30, spread = 0.02): TextForecast => ({
  firstToken: logNormal(firstMs, spread),
  token: logNormal(tokenMs, 0.01),
  isMeasured: true,
})
const near = 'https://near.example'
const far = 'https://far.example'
type Change = Omit<Partial<TextSnapshot>, 'edge' | 'clouds'> & {
  readonly edge?: Partial<TextEdgeOption>
  readonly cloud?: Partial<TextCloudOption> | null
}
const snapshot = ({ edge, cloud, ...rest }: Change = {}): TextSnapshot => ({
  model: 'm@1',
  privacy: 'any',
  online: true,
  saveData: false,
  promptTokens: 300,
  maxTokens: 512,
  answerTokens: 100,
  edge: { status: 'ready', forecast: writes(300), ...edge },
  clouds: cloud === null ? [] : [{ endpoint: near, hasModel: true, forecast: writes(900), ...cloud }],
  ...rest,
})
const decide = (change: Change) => createTextRouter({ now: () => 0 }).decide(snapshot(change))

const slowEdge = { forecast: writes(5_000) }
test.each<[string, Change, 'edge' | 'cloud', RouteReason]>([
  ['the device is sooner', {}, 'edge', 'edge-first-token'],
  ['the cloud is sooner', { edge: slowEdge }, 'cloud', 'cloud-first-token'],
  ['edge-only stays', { edge: slowEdge, privacy: 'edge-only' }, 'edge', 'edge-only'],
  ['cloud-only goes', { privacy: 'cloud-only' }, 'cloud', 'cloud-only'],
  ['offline', { edge: slowEdge, online: false }, 'edge', 'offline'],
  ['no endpoint', { edge: slowEdge, cloud: null }, 'edge', 'no-endpoint'],
  ['data saver, model here', { edge: slowEdge, saveData: true }, 'edge', 'data-saver'],
  ['data saver, no model', { edge: { status: 'absent' }, saveData: true }, 'cloud', 'data-saver-no-download'],
  ['the user prefers the device', { edge: slowEdge, privacy: 'prefer-edge' }, 'edge', 'prefer-edge'],
  ['the context is too short here', { edge: { contextTokens: 300 } }, 'cloud', 'context-too-long'],
  [
    'a prompt whose tokens nobody has counted may fit into either',
    { edge: { contextTokens: 300 }, cloud: { contextTokens: 300 }, leastPromptTokens: 20 },
    'edge',
    'edge-first-token',
  ],
  ['the answer has no room here', { edge: { contextTokens: 350 } }, 'cloud', 'context-too-long'],
  [
    'the context is too short there',
    { edge: slowEdge, cloud: { contextTokens: 300 } },
    'edge',
    'cloud-context-too-long',
  ],
  ['the answer has no room there', { edge: slowEdge, cloud: { contextTokens: 350 } }, 'edge', 'cloud-context-too-long'],
  [
    'neither has room for all of it',
    { edge: { contextTokens: 350 }, cloud: { contextTokens: 360 } },
    'edge',
    'edge-first-token',
  ],
  ['the memory is too small here', { edge: { memoryTokens: 700 } }, 'cloud', 'memory-too-small'],
  ['the device lacks tools', { edge: { lacks: true } }, 'cloud', 'edge-lacks'],
  ['the endpoint lacks tools', { edge: slowEdge, cloud: { lacks: true } }, 'edge', 'cloud-lacks'],
  ['the endpoint lacks the model', { edge: slowEdge, cloud: { hasModel: false } }, 'edge', 'cloud-lacks-model'],
  ['this browser cannot', { edge: { status: 'unavailable' } }, 'cloud', 'edge-unavailable'],
  ['the model is on its way', { edge: { status: 'downloading', forecast: writes(60_000) } }, 'cloud', 'edge-not-ready'],
  ['only the cloud keeps pace with a reader', { edge: { forecast: writes(700, 600) } }, 'cloud', 'cloud-keeps-pace'],
  [
    'a reader does not notice that the cloud writes faster',
    { cloud: { forecast: writes(900, 3) } },
    'edge',
    'edge-first-token',
  ],
  [
    'the whole: the cloud ends sooner',
    { objective: 'whole', cloud: { forecast: writes(900, 3) } },
    'cloud',
    'cloud-faster',
  ],
  [
    'the whole: the device ends sooner',
    { objective: 'whole', edge: { forecast: writes(1_500, 5) } },
    'edge',
    'edge-faster',
  ],
  // It would be the surer one, and wastes eleven seconds.
  [
    '12 s here beside 0.5 s there',
    { mayMove: true, edge: { forecast: writes(12_000) }, cloud: { forecast: writes(500, 30, 1) } },
    'cloud',
    'cloud-first-token',
  ],
])('%s', (_, change, arm, reason) => {
  const plan = decide(change)
  expect([plan.arm, plan.reason]).toEqual([arm, reason])
  expect(explainText(plan).why.length).toBeGreaterThan(10)
})

test.each<[string, Change, NoTextReason]>([
  ['too long for both', { edge: { contextTokens: 200 }, cloud: { contextTokens: 200 } }, 'text-too-long'],
  ['too long here, and it must stay', { edge: { contextTokens: 200 }, privacy: 'edge-only' }, 'text-too-long'],
  ['too long there, and it must go', { cloud: { contextTokens: 200 }, privacy: 'cloud-only' }, 'text-too-long'],
  ['no memory here, and no endpoint', { edge: { memoryTokens: 10 }, cloud: null }, 'text-beyond-memory'],
  ['neither has tools', { edge: { lacks: true }, cloud: { lacks: true } }, 'text-lacks'],
  [
    'it must stay, and this browser cannot',
    { edge: { status: 'unavailable' }, privacy: 'edge-only' },
    'edge-only-unavailable',
  ],
  ['it must go, and there is no endpoint', { cloud: null, privacy: 'cloud-only' }, 'cloud-only-no-endpoint'],
  ['offline, and the model is not here', { online: false, edge: { status: 'absent' } }, 'offline-model-absent'],
])('nothing can write it: %s', (_, change, reason) => {
  const decision = decide(change)
  expect([decision.arm, decision.reason]).toEqual([undefined, reason])
  expect(explainText(decision).why.length).toBeGreaterThan(10)
})

test('explain shows first token, tokens a second and the expected end of both arms', () => {
  const { arms } = decide({})
  expect(arms.map(({ arm, endpoint }) => [arm, endpoint])).toEqual([
    ['edge', undefined],
    ['cloud', near],
  ])
  expect(arms[0]?.firstToken.meanMs).toBeCloseTo(303, 0)
  expect(arms[0]?.tokensPerSecond).toBeCloseTo(33, 0)
  expect(arms[0]?.end.meanMs).toBeGreaterThan(3_200)
  expect(arms[0]?.end.meanMs).toBeLessThan(3_400)
  expect(arms[1]?.firstToken.p90Ms).toBeGreaterThan(arms[1]?.firstToken.meanMs ?? 0)
})

const unknownBoth: Change = {
  edge: { forecast: writes(600, 30, 1) },
  cloud: { forecast: writes(700, 30, 1) },
}
test('where neither is known, the first tokens are raced from the first request on', () => {
  const plan = decide(unknownBoth)
  expect(plan).toMatchObject({ second: { afterMs: 0 } })
})

test.each<[string, Change]>([
  ['on a low battery, the device is not asked second', { ...unknownBoth, savePower: true }],
  ['nor while its model is on its way', { ...unknownBoth, edge: { status: 'loading', forecast: writes(600, 30, 1) } }],
])('%s', (_, change) => {
  const plan = decide(change)
  expect(plan.arm !== undefined && plan.second?.arm === 'edge').toBe(false)
})

test('where the answer may move, a device that cannot keep pace still begins, as its first token comes sooner', () => {
  const change: Change = { edge: { forecast: writes(900, 180) }, cloud: { forecast: writes(2_900) } }
  expect(decide({ ...change, mayMove: true })).toMatchObject({ arm: 'edge', reason: 'edge-first-token' })
  expect(decide(change)).toMatchObject({ arm: 'cloud', reason: 'cloud-keeps-pace' })
  // A token a second is more than a reader bears until the answer is moved.
  const slow: Change = { edge: { forecast: writes(900, 1_000) }, cloud: { forecast: writes(1_200) } }
  expect(decide({ ...slow, mayMove: true })).toMatchObject({ arm: 'cloud', reason: 'cloud-keeps-pace' })
})

const dear = { promptToken: { money: 1e-6 }, answerToken: { money: 4e-6 }, weights: { promptToken: 1, answerToken: 4 } }
function spendingOf(msOfMoney: number) {
  const spent: ArmPrice[] = []
  return {
    spent,
    spending: {
      extraMsOf: ({ money = 0 }: ArmPrice) => money * msOfMoney,
      spend: (price: ArmPrice) => void spent.push(price),
    },
  }
}

test('tokens that cost money move texts to this device as the budget is spent, and explain says what they cost', () => {
  const change: Change = { edge: { forecast: writes(1_500) }, cloud: { forecast: writes(900), price: dear } }
  const at = (msOfMoney: number) =>
    createTextRouter({ now: () => 0, spending: spendingOf(msOfMoney).spending }).decide(snapshot(change))
  expect(at(0)).toMatchObject({ arm: 'cloud', reason: 'cloud-first-token' })
  // 300 tokens read and 100 written: 0.0007, here 2,100 ms.
  expect(at(3e6)).toMatchObject({ arm: 'edge', reason: 'edge-cheaper' })
  const { arms } = explainText(at(0))
  expect(arms.map(({ price }) => price)).toEqual([{}, { money: expect.closeTo(0.0007) }])
})

test('every run is booked by its own tokens, whatever came of it', () => {
  const { spent, spending } = spendingOf(0)
  const router = createTextRouter({ now: () => 0, spending })
  const plan = router.decide(snapshot({ cloud: { price: dear } }))
  if (plan.arm === undefined) throw new Error(plan.reason)
  router.observe(plan, { arm: 'cloud', endpoint: near, result: 'failed', tokens: 310, answerTokens: 10 })
  router.observe(plan, { arm: 'edge', result: 'answered', tokens: 400, answerTokens: 100 })
  expect(spent).toEqual([{ money: expect.closeTo(0.00034) }, {}])
})

test('a race wastes tokens by what they cost', () => {
  const wasted = (price: TextPrice | undefined) => {
    const router = createTextRouter({ now: () => 0 })
    const plan = router.decide(snapshot({ cloud: { forecast: writes(900), price } }))
    if (plan.arm === undefined) throw new Error(plan.reason)
    const level = () => (router.snapshot() as { cloud: { level: number } }).cloud.level
    router.settle({ ...plan })
    const before = level()
    router.observe(plan, { arm: 'cloud', endpoint: near, result: 'lost', tokens: 310, answerTokens: 10 })
    router.settle(plan)
    return before - level()
  }
  const asOne = wasted(undefined)
  expect(wasted({ weights: { promptToken: 1, answerToken: 4 } }) - asOne).toBe(30)
})

test('what must not run twice is not raced', () => {
  expect(decide({ ...unknownBoth, once: true })).not.toHaveProperty('second')
})

test('a second run starts at a quantile of a heavy-tailed first one', () => {
  const firstToken = { ...logNormal(400, 0.02), otherwise: { chance: 0.01, value: logNormal(6_000, 0.3) } }
  const plan = decide({ edge: { forecast: writes(900) }, cloud: { forecast: { ...writes(400), firstToken } } })
  expect(plan).toMatchObject({ arm: 'cloud', second: { arm: 'edge' } })
  const afterMs = (plan.arm !== undefined && plan.second?.afterMs) || 0
  expect(afterMs).toBeGreaterThan(300)
  expect(afterMs).toBeLessThan(2_000)
})

test('a device that next to never wins is not started at every request', () => {
  const plan = decide({ edge: { forecast: writes(280_000, 100, 0.8) }, cloud: { forecast: writes(2_000, 30, 0.6) } })
  expect(plan.arm).toBe('cloud')
  // Only behind a run that is slower than anything predicted.
  expect((plan.arm !== undefined && plan.second?.afterMs) || 0).toBeGreaterThan(20_000)
})

test('a device that was slow a while ago is tried beside the cloud, as it may be quick again', () => {
  const slowed = (ageMs: number) => ({ forecast: { ...writes(3_000), usualMs: 400, ageMs } })
  expect(decide({ edge: slowed(90_000) })).toMatchObject({ arm: 'cloud', second: { arm: 'edge', afterMs: 0 } })
  expect(decide({ edge: slowed(5_000) })).not.toMatchObject({ second: { afterMs: 0 } })
  expect(decide({ edge: slowed(90_000), savePower: true })).not.toMatchObject({ second: { arm: 'edge' } })
})

test('it is tried on an overdrawn budget, too, or a wrong guess would last; not beyond one request', () => {
  const slowed: Change = { edge: { forecast: { ...writes(3_000), usualMs: 400, ageMs: 90_000 } } }
  const afterWaste = (tokens: number) => {
    const router = createTextRouter({ now: () => 0 })
    const plan = router.decide(snapshot(unknownBoth))
    if (plan.arm === undefined) throw new Error(plan.reason)
    router.observe(plan, { arm: 'edge', result: 'lost', tokens })
    router.settle(plan)
    return router.decide(snapshot(slowed))
  }
  // A request has 400 tokens, and the device's budget holds twice that at first.
  expect(afterWaste(1_000)).toMatchObject({ arm: 'cloud', second: { arm: 'edge', afterMs: 0 } })
  expect(afterWaste(1_600)).not.toMatchObject({ second: { arm: 'edge', afterMs: 0 } })
})

test('three failures set an arm aside, and a stall counts as one', () => {
  const router = createTextRouter({ now: () => 0 })
  for (let i = 0; i < 3; i += 1) {
    const plan = router.decide(snapshot())
    if (plan.arm === undefined) throw new Error(plan.reason)
    router.observe(plan, { arm: 'edge', result: 'failed', tokens: 10 })
    router.settle(plan)
  }
  expect(router.decide(snapshot())).toMatchObject({ arm: 'cloud', reason: 'edge-set-aside' })
  expect(router.allows({ arm: 'edge' })).toBe(false)
  expect(router.allows({ arm: 'cloud', endpoint: near })).toBe(true)
})

test('of two endpoints the sooner one writes, and the other is its fall-back', () => {
  const clouds = [
    { endpoint: far, hasModel: true, forecast: writes(2_000) },
    { endpoint: near, hasModel: true, forecast: writes(500) },
  ]
  const plan = decide({ edge: { status: 'unavailable' }, clouds } as Change)
  expect(plan).toMatchObject({ arm: 'cloud', endpoint: near, fallbacks: [{ arm: 'cloud', endpoint: far }] })
})

test('after a failure the same arm is asked once more where the other one takes far longer', () => {
  expect(decide({ edge: { forecast: writes(30_000) } })).toMatchObject({ arm: 'cloud', retries: true })
  expect(decide({ edge: { forecast: writes(1_000) } })).toMatchObject({ retries: false })
})

test('the reason of an answer, by whose first token came first', () => {
  const raced = decide(unknownBoth)
  if (raced.arm === undefined) throw new Error(raced.reason)
  const other = raced.arm === 'edge' ? 'cloud' : 'edge'
  expect(reasonOfFirstToken(raced, raced, [])).toBe(raced.reason)
  expect(reasonOfFirstToken(raced, { arm: other }, [{ arm: raced.arm, result: 'lost' }])).toBe('first-token-race')
  expect(reasonOfFirstToken(raced, { arm: other }, [{ arm: raced.arm, result: 'failed' }])).toBe(`${raced.arm}-failed`)
  const hedged = { ...raced, second: { arm: other, afterMs: 900 } } as const
  expect(reasonOfFirstToken(hedged, { arm: other }, [])).toBe(`${raced.arm}-overtaken`)
})

test('peek has no effects, and budgets are stored', () => {
  const router = createTextRouter({ now: () => 0 })
  const before = router.peek(snapshot(unknownBoth))
  for (let i = 0; i < 5; i += 1) expect(router.peek(snapshot(unknownBoth))).toEqual(before)
  expect(router.snapshot()).toEqual({ version: 1, edge: undefined, cloud: undefined })
  const plan = router.decide(snapshot(unknownBoth))
  if (plan.arm === undefined || plan.second === undefined) throw new Error('no race')
  router.observe(plan, { arm: 'edge', result: 'lost', tokens: 5_000 })
  router.settle(plan)
  const next = createTextRouter({ now: () => 0 })
  next.restore(JSON.parse(JSON.stringify(router.snapshot())))
  // What was wasted is remembered: no race until it is made up for.
  expect(next.decide(snapshot(unknownBoth))).not.toHaveProperty('second')
  for (const bad of [undefined, 3, {}, { version: 2 }, { version: 1, edge: { level: 'x' } }]) next.restore(bad)
})

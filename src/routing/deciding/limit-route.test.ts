import fc from 'fast-check'
import { expect, test } from 'vitest'
import { privacyModes, type RouteReason } from '../../contracts/route.ts'
import { routeReasons } from '../../contracts/route-reasons.ts'
import { type LogNormal, logNormal } from '../../utils/log-normal.ts'
import { sentenceOf } from '../explain-route.ts'
import type { NoArmReason } from '../no-arm-reasons.ts'
import type { CloudOption, EdgeOption, RouterSnapshot } from '../router-types.ts'
import { createRouter } from './create-router.ts'

const ms = (median: number) => logNormal(median, 0.05)
interface Given {
  readonly privacy: RouterSnapshot['privacy']
  readonly online: boolean
  readonly saveData: boolean
  readonly deadlineMs?: number | undefined
  readonly edge: EdgeOption & { readonly breakerOpen: boolean }
  readonly cloud?: (Omit<CloudOption, 'endpoint'> & { readonly breakerOpen: boolean }) | undefined
  readonly previous?: 'edge' | 'cloud' | undefined
  readonly cloudClosed?: boolean | undefined
}
const base: Given = {
  privacy: 'any',
  online: true,
  saveData: false,
  edge: { status: 'ready', breakerOpen: false, time: ms(20) },
  cloud: { hasModel: true, breakerOpen: false, time: ms(100) },
}
type Change = Omit<Partial<Given>, 'edge' | 'cloud'> & {
  edge?: Partial<Given['edge']>
  cloud?: Partial<NonNullable<Given['cloud']>> | null
}
const snapshot = ({ edge, cloud, ...rest }: Change): Given => ({
  ...base,
  ...rest,
  edge: { ...base.edge, ...edge },
  cloud: cloud === null || base.cloud === undefined ? undefined : { ...base.cloud, ...cloud },
})

/** What the router says of it, after what it would have to have seen for breakers and for a former arm. */
function decideRoute({ edge, cloud, previous, ...rest }: Given) {
  const router = createRouter({ now: () => 0, random: () => 0.5 })
  const told = (privacy: RouterSnapshot['privacy'], result: 'failed' | 'answered', times: number) => {
    for (let time = 0; time < times; time += 1) {
      const plan = router.decide({
        model: 'm',
        privacy,
        online: true,
        saveData: false,
        edge: { status: 'ready', time: ms(20) },
        clouds: [{ endpoint: 'near', hasModel: true, time: ms(20) }],
      })
      if (plan.arm === undefined) throw new Error(plan.reason)
      const { arm, endpoint } = plan
      router.observe(plan, { arm, ...(endpoint === undefined ? {} : { endpoint }), result, ms: 20 })
      router.settle(plan)
    }
  }
  if (edge.breakerOpen) told('edge-only', 'failed', 3)
  if (cloud?.breakerOpen) told('cloud-only', 'failed', 3)
  if (previous !== undefined) told(`${previous}-only`, 'answered', 1)
  const { breakerOpen: _, ...edgeOption } = edge
  // No second run: what is asked here is where a request starts.
  return router.peek({
    ...rest,
    model: 'm',
    edge: edgeOption,
    clouds: cloud === undefined ? [] : [{ endpoint: 'near', hasModel: cloud.hasModel, time: cloud.time }],
    once: true,
  })
}

test.each<[string, Change, 'edge' | 'cloud', RouteReason]>([
  ['the faster arm: edge', {}, 'edge', 'edge-faster'],
  ['the faster arm: cloud', { cloud: { time: ms(5) } }, 'cloud', 'cloud-faster'],
  [
    'edge-only stays although the cloud is faster',
    { privacy: 'edge-only', cloud: { time: ms(1) } },
    'edge',
    'edge-only',
  ],
  ['cloud-only goes although the edge is faster', { privacy: 'cloud-only' }, 'cloud', 'cloud-only'],
  ['no endpoint', { cloud: null }, 'edge', 'no-endpoint'],
  ['every endpoint closed by its operator', { cloud: null, cloudClosed: true }, 'edge', 'cloud-closed'],
  ['offline with the model stored', { online: false, edge: { status: 'stored' } }, 'edge', 'offline'],
  ['data saver with the model here', { saveData: true, cloud: { time: ms(1) } }, 'edge', 'data-saver'],
  ['data saver without the model', { saveData: true, edge: { status: 'absent' } }, 'cloud', 'data-saver-no-download'],
  ['prefer-edge when ready', { privacy: 'prefer-edge', cloud: { time: ms(1) } }, 'edge', 'prefer-edge'],
  ['a first visit is bridged', { edge: { status: 'downloading', time: ms(5000) } }, 'cloud', 'edge-not-ready'],
  [
    'a model of the cloud is not downloaded, however fast that were',
    { edge: { status: 'absent', cloudByDefault: true, time: ms(1) } },
    'cloud',
    'cloud-by-default',
  ],
  ['a model of the cloud that is here', { edge: { cloudByDefault: true } }, 'edge', 'edge-faster'],
  [
    'a model of the cloud, and this device is preferred',
    { privacy: 'prefer-edge', edge: { status: 'absent', cloudByDefault: true, time: ms(1) } },
    'edge',
    'edge-faster',
  ],
  [
    'a model of the cloud, and the cloud keeps failing',
    { edge: { status: 'absent', cloudByDefault: true }, cloud: { breakerOpen: true } },
    'edge',
    'cloud-set-aside',
  ],
  [
    'a model of the cloud that the endpoint lacks',
    { edge: { status: 'absent', cloudByDefault: true }, cloud: { hasModel: false } },
    'edge',
    'cloud-lacks-model',
  ],
  ['the edge cannot', { edge: { status: 'unavailable' } }, 'cloud', 'edge-unavailable'],
  ['the edge keeps failing', { edge: { breakerOpen: true } }, 'cloud', 'edge-set-aside'],
  ['the cloud keeps failing', { cloud: { breakerOpen: true, time: ms(1) } }, 'edge', 'cloud-set-aside'],
  [
    'both keep failing: the better one is tried',
    { edge: { breakerOpen: true }, cloud: { breakerOpen: true } },
    'edge',
    'edge-faster',
  ],
  ['the endpoint lacks the model', { cloud: { hasModel: false, time: ms(1) } }, 'edge', 'cloud-lacks-model'],
  ['an endpoint not asked yet may have it', { cloud: { hasModel: 'unknown', time: ms(1) } }, 'cloud', 'cloud-faster'],
  ['about as fast it stays: edge', { previous: 'edge', cloud: { time: ms(19.6) } }, 'edge', 'kept-edge'],
  [
    'about as fast it stays: cloud',
    { previous: 'cloud', edge: { time: logNormal(20, 0.8) }, cloud: { time: logNormal(27.5, 0.01) } },
    'cloud',
    'kept-cloud',
  ],
  ['a little faster is not worth the risk', { previous: 'edge', cloud: { time: ms(15) } }, 'edge', 'edge-safer'],
  ['clearly faster it moves', { previous: 'edge', cloud: { time: ms(8) } }, 'cloud', 'cloud-faster'],
  [
    'only the surer arm is in time',
    { deadlineMs: 60, edge: { time: ms(30) }, cloud: { time: logNormal(20, 1) } },
    'edge',
    'edge-faster',
  ],
  [
    'only the edge is in time, though the cloud is faster on average',
    { deadlineMs: 60, edge: { time: logNormal(35, 0.01) }, cloud: { time: logNormal(18, 1) } },
    'edge',
    'edge-in-time',
  ],
  [
    'only the cloud is in time, though the edge is faster on average',
    { deadlineMs: 60, edge: { time: logNormal(20, 1.35) }, cloud: { time: logNormal(35, 0.01) } },
    'cloud',
    'cloud-in-time',
  ],
  [
    'nothing is known, the edge is ready',
    { edge: { time: undefined }, cloud: { time: undefined } },
    'edge',
    'edge-faster',
  ],
  [
    'nothing is known, the edge is not ready',
    { edge: { status: 'loading', time: undefined }, cloud: { time: undefined } },
    'cloud',
    'edge-not-ready',
  ],
])('%s', (_, change, arm, reason) => {
  expect(decideRoute(snapshot(change))).toMatchObject({ arm, reason })
})

test.each<['edge' | 'cloud', Change]>([
  ['edge', { edge: { time: logNormal(20, 0.05) }, cloud: { time: logNormal(15, 0.01) } }],
  ['cloud', { edge: { time: logNormal(20, 0.8) }, cloud: { time: logNormal(27.5, 0.01) } }],
])('hysteresis keeps the last arm, %s, where the other one is hardly better', (previous, change) => {
  const other = previous === 'edge' ? 'cloud' : 'edge'
  expect(decideRoute(snapshot(change)).arm).toBe(other)
  expect(decideRoute(snapshot({ ...change, previous: other })).arm).toBe(other)
  expect(decideRoute(snapshot({ ...change, previous })).arm).toBe(previous)
})

test.each<[Change, number, 'edge' | 'cloud']>([
  [{ edge: { time: logNormal(40, 0.01) }, cloud: { time: logNormal(19, 0.4) } }, 46, 'edge'],
  [{ edge: { time: logNormal(14, 1.3) }, cloud: { time: logNormal(26, 0.01) } }, 42, 'cloud'],
])('a deadline moves the start to the arm that keeps it (%#)', (change, deadlineMs, kept) => {
  const other = kept === 'edge' ? 'cloud' : 'edge'
  expect(decideRoute(snapshot(change))).toMatchObject({ arm: other, reason: `${other}-faster` })
  expect(decideRoute(snapshot({ ...change, deadlineMs }))).toMatchObject({ arm: kept, reason: `${kept}-in-time` })
})

test.each<[NoArmReason, Change]>([
  ['edge-only-unavailable', { privacy: 'edge-only', edge: { status: 'unavailable' } }],
  ['edge-only-offline', { privacy: 'edge-only', online: false, edge: { status: 'absent' } }],
  ['cloud-only-no-endpoint', { privacy: 'cloud-only', cloud: null }],
  ['cloud-only-closed', { privacy: 'cloud-only', cloud: null, cloudClosed: true }],
  ['edge-unavailable-cloud-closed', { edge: { status: 'unavailable' }, cloud: null, cloudClosed: true }],
  ['cloud-only-offline', { privacy: 'cloud-only', online: false }],
  ['cloud-only-lacks-model', { privacy: 'cloud-only', cloud: { hasModel: false } }],
  ['offline-model-absent', { online: false, edge: { status: 'absent' } }],
  ['offline-model-absent', { online: false, edge: { status: 'downloading' } }],
  ['offline-edge-unavailable', { online: false, edge: { status: 'unavailable' } }],
  ['edge-unavailable-no-endpoint', { edge: { status: 'unavailable' }, cloud: null }],
  ['edge-unavailable-cloud-lacks-model', { edge: { status: 'unavailable' }, cloud: { hasModel: false } }],
])('no arm: %s', (reason, change) => {
  const decision = decideRoute(snapshot(change))
  expect(decision).toMatchObject({ arm: undefined, reason })
  expect(sentenceOf(decision)).toMatch(/^[A-Z].+\.$/)
})

const anyTime = fc.option(fc.record({ mu: fc.double(), variance: fc.double() }) as fc.Arbitrary<LogNormal>, {
  nil: undefined,
})
const anySnapshot: fc.Arbitrary<Given> = fc.record({
  privacy: fc.constantFrom(...privacyModes),
  online: fc.boolean(),
  saveData: fc.boolean(),
  deadlineMs: fc.option(fc.double({ min: 1, max: 1e6, noNaN: true }), { nil: undefined }),
  edge: fc.record({
    status: fc.constantFrom('absent', 'downloading', 'stored', 'loading', 'ready', 'unavailable'),
    breakerOpen: fc.boolean(),
    time: anyTime,
  }),
  cloud: fc.option(
    fc.record({ hasModel: fc.constantFrom(true, false, 'unknown' as const), breakerOpen: fc.boolean(), time: anyTime }),
    { nil: undefined },
  ),
  previous: fc.constantFrom('edge', 'cloud', undefined),
})

test('whatever is known: privacy holds, offline stays, nothing is NaN, and the same gives the same', () => {
  fc.assert(
    fc.property(anySnapshot, (given) => {
      const decision = decideRoute(given)
      expect(decideRoute(given)).toEqual(decision)
      const arms = decision.arm === undefined ? [] : [decision.arm, ...decision.fallbacks.map(({ arm }) => arm)]
      if (given.privacy === 'edge-only') expect(arms).not.toContain('cloud')
      if (given.privacy === 'cloud-only') expect(arms).not.toContain('edge')
      if (!given.online || given.cloud === undefined) expect(arms).not.toContain('cloud')
      if (given.edge.status === 'unavailable') expect(arms).not.toContain('edge')
      if (decision.arm !== undefined) expect(Object.keys(routeReasons)).toContain(decision.reason)
      for (const { meanMs, p90Ms } of Object.values(decision.predicted)) {
        expect(Number.isFinite(meanMs) && Number.isFinite(p90Ms)).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

const nonsense = fc.constantFrom<LogNormal | undefined>(
  undefined,
  { mu: Number.NaN, variance: 0.1 },
  { mu: 3, variance: Number.NaN },
  { mu: 3, variance: -1 },
  { mu: Number.POSITIVE_INFINITY, variance: 0.1 },
  { mu: 3, variance: Number.POSITIVE_INFINITY },
)
/** Up to where the mean is still a number; the last stretch is where a share more of it is none. */
const known = fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.double({ min: 700, max: 709.7, noNaN: true }))

test('a prediction that is no number never wins over a known one, and is never shown', () => {
  fc.assert(
    fc.property(anySnapshot, nonsense, known, fc.constantFrom('edge', 'cloud'), (given, bad, mu, knownArm) => {
      const good = { mu, variance: 0.01 }
      const decision = decideRoute({
        ...given,
        privacy: 'any',
        online: true,
        saveData: false,
        edge: { status: 'ready', breakerOpen: false, time: knownArm === 'edge' ? good : bad },
        cloud: { hasModel: true, breakerOpen: false, time: knownArm === 'cloud' ? good : bad },
      })
      const shown = decision.predicted[knownArm]
      expect(decision.predicted[knownArm === 'edge' ? 'cloud' : 'edge']).toBeUndefined()
      if (shown === undefined) return
      expect(Number.isFinite(shown.meanMs) && Number.isFinite(shown.p90Ms)).toBe(true)
      expect(decision.arm).toBe(knownArm)
    }),
    { numRuns: 1_000 },
  )
})

import type { RouteArmPrediction, RouteReason } from '../../contracts/route.ts'
import { createAccounts } from '../accounts/accounts.ts'
import { toArmRef } from '../arm-ref.ts'
import { routerSettings } from '../router-settings.ts'
import type { ArmRef, RouteDecision, RoutePlan, Router, RouterPolicy, RouterSnapshot } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'
import { createPairChooser, type PairChoice } from './choose-pair.ts'
import { createExplorer } from './explorer.ts'
import { type LimitedRoute, limitRoute } from './limit-route.ts'
import { type RankedArms, rankArms } from './rank-arms.ts'
import { wantsProbe } from './wants-probe.ts'
import { whyArm } from './why-arm.ts'

/** An arm to start on, a second run, and what to fall back on. */
interface Choice extends PairChoice {
  readonly reason: RouteReason
  readonly fallbacks: readonly ArmRef[]
}

const refsOf = (arms: readonly ArmEstimate[]) => arms.map(toArmRef)
/** The endpoints beside the one that is taken, the cheapest first. */
const otherClouds = ({ ranked }: RankedArms, taken: ArmRef) =>
  ranked.filter(({ endpoint }) => endpoint !== taken.endpoint)

const applyLimits = (snapshot: RouterSnapshot, { usable, cloudOption }: RankedArms, edgeAllowed: boolean) =>
  limitRoute({
    ...snapshot,
    edge: { ...snapshot.edge, breakerOpen: !edgeAllowed },
    cloud: cloudOption && { hasModel: cloudOption.hasModel, breakerOpen: usable.length === 0 },
  })

/** The limits leave one arm. Of several endpoints, a second one may still hedge the first. */
function chooseLimited(
  limited: Extract<LimitedRoute, { arm: string }>,
  arms: RankedArms,
  hedge: (first: ArmEstimate, spare: ArmEstimate) => PairChoice,
): Choice {
  const { edge, cloud, ranked, usable } = arms
  const { reason } = limited
  const first = limited.arm === 'edge' || cloud === undefined ? edge : cloud
  const others = otherClouds(arms, first)
  const fallbacks = first.arm === 'cloud' ? refsOf(others) : []
  if (limited.fallback === 'edge') fallbacks.push(toArmRef(edge))
  else if (limited.fallback === 'cloud') fallbacks.push(...refsOf(ranked))
  const spare = others[0]
  const hedged = first.arm === 'cloud' && spare !== undefined && usable.includes(spare)
  return { ...(hedged ? hedge(first, spare) : { first, second: undefined }), reason, fallbacks }
}

function toPlan(
  { model }: RouterSnapshot,
  { edge, clouds, predicted }: RankedArms,
  { first, second, reason, fallbacks }: Choice,
  probe: string | undefined,
): RoutePlan {
  return {
    ...toArmRef(first),
    model,
    reason,
    fallbacks,
    ...(second === undefined ? {} : { second }),
    ...(probe === undefined ? {} : { probe }),
    predicted,
    arms: [edge, ...clouds].flatMap((each): RouteArmPrediction[] =>
      each.time === undefined ? [] : [{ ...toArmRef(each), meanMs: each.meanMs, p90Ms: each.p90Ms }],
    ),
  }
}

/**
 * @param options.random uniform in [0, 1); default `Math.random`. With a seeded one, the router is deterministic
 * @param options.now milliseconds; default `Date.now`
 * @param options.policy shares of runs that may be wasted, hysteresis, budgets
 */
export function createRouter(
  options: {
    readonly random?: () => number
    readonly now?: () => number
    readonly policy?: Partial<RouterPolicy>
    readonly settings?: Partial<typeof routerSettings>
  } = {},
): Router {
  const { random = Math.random, now = Date.now, policy } = options
  const settings = { ...routerSettings, ...options.settings }
  const accounts = createAccounts(settings, policy)
  const choosePair = createPairChooser({
    accounts,
    shouldExplore: createExplorer(random, settings),
    settings,
    hysteresis: policy?.hysteresis ?? settings.hysteresis,
  })
  let lastProbeAtMs = Number.NEGATIVE_INFINITY

  const plan = (snapshot: RouterSnapshot, forReal: boolean): RouteDecision => {
    const nowMs = now()
    const arms = rankArms(snapshot, accounts, nowMs)
    const { edge, clouds, ranked, cloud, cloudOption, predicted } = arms
    const limited = applyLimits(snapshot, arms, accounts.allows(edge, nowMs))
    if (limited !== undefined && limited.arm === undefined) return { ...limited, predicted }

    const pair = (a: ArmEstimate, b: ArmEstimate) => choosePair({ snapshot, arms: [a, b], nowMs, mayExplore: forReal })
    let choice: Choice
    let probe: string | undefined
    if (limited !== undefined) {
      choice = chooseLimited(limited, arms, pair)
    } else if (cloud === undefined) {
      choice = { first: edge, second: undefined, reason: 'edge-faster', fallbacks: [] }
    } else {
      const { first, second } = pair(edge, cloud)
      const lastArm = accounts.lastArmOf(snapshot.model)
      choice = {
        first,
        second,
        reason: whyArm({ snapshot, arm: first.arm, edge, cloud, lastArm }),
        fallbacks: first.arm === 'edge' ? refsOf(ranked) : [toArmRef(edge), ...refsOf(otherClouds(arms, first))],
      }
      const known = { ageMs: cloudOption?.ageMs, sinceProbeMs: nowMs - lastProbeAtMs }
      if (wantsProbe({ first, second, edge, cloud, ...known }, settings)) probe = cloud.endpoint
    }
    const made = toPlan(snapshot, arms, choice, probe)
    if (forReal) {
      if (probe !== undefined) lastProbeAtMs = nowMs
      accounts.reserve(made, [edge, ...clouds], nowMs)
    }
    return made
  }

  return {
    decide: (snapshot) => plan(snapshot, true),
    peek: (snapshot) => plan(snapshot, false),
    observe: (made, end) => accounts.observe(made, end, now()),
    settle: accounts.settle,
    extraMsOf: (price) => accounts.extraMsOf(price, now()),
    spend: (price) => accounts.spend(price, now()),
    snapshot: accounts.snapshot,
    restore: accounts.restore,
  }
}

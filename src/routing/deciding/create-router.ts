import type { Arm, RouteArmPrediction, RouteReason } from '../../contracts/route.ts'
import { type Forecast, meanOfForecast, p90OfForecast } from '../../utils/forecast.ts'
import { createArrivals } from '../accounts/arrivals.ts'
import { type Breaker, createBreaker } from '../accounts/breaker.ts'
import { createBudgetController } from '../accounts/budget-controller.ts'
import { createCalibrator } from '../accounts/calibrator.ts'
import { createWaste } from '../accounts/waste-budget.ts'
import { routerSettings } from '../router-settings.ts'
import type {
  ArmPrice,
  ArmRef,
  CloudOption,
  Predictions,
  RouteDecision,
  RoutePlan,
  Router,
  RouterPolicy,
  RouterSnapshot,
  SecondRun,
} from '../router-types.ts'
import { type Candidate, keyOf, refOf, saneForecast } from './arm-estimate.ts'
import { createExplorer } from './explorer.ts'
import { limitRoute } from './limit-route.ts'
import { createPairPlanner } from './pair-planner.ts'
import { wantsProbe } from './wants-probe.ts'
import { whyArm } from './why-arm.ts'

/** Models that hysteresis is kept for; the longest unused one is forgotten first. */
const mostModels = 64
const never = Number.POSITIVE_INFINITY

/** What was reserved for a plan until it is settled. */
interface Reserved {
  readonly p90s: ReadonlyMap<string, number>
  second: SecondRun | undefined
  ends: number
  lost: Arm | undefined
  prices: ReadonlyMap<string, ArmPrice>
}

/**
 * @param options.random uniform in [0, 1); default `Math.random`. Seeded, the router repeats itself
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
  const { random = Math.random, now = Date.now } = options
  const settings = { ...routerSettings, ...options.settings }
  const {
    wastedEdgeShare = settings.edgeTokens,
    wastedCloudShare = settings.cloudTokens,
    hysteresis = settings.hysteresis,
    budgets = {},
  } = options.policy ?? {}
  const {
    tokens,
    costOf: wasteOf,
    mayFollow,
  } = createWaste({ edge: wastedEdgeShare, cloud: wastedCloudShare }, settings)
  const explores = createExplorer(random, settings)
  const calibrators = {
    edge: createCalibrator({ start: settings.edgeScale, step: settings.calibrationStep }),
    cloud: createCalibrator({ start: settings.cloudScale, step: settings.calibrationStep }),
  }
  const controllers = {
    money: createBudgetController(budgets.moneyPerHour),
    energyJ: createBudgetController(budgets.energyJPerHour),
    dataBytes: createBudgetController(budgets.dataBytesPerHour),
  }
  const breakers = new Map<string, Breaker>()
  const previous = new Map<string, Arm>()
  const reserved = new WeakMap<RoutePlan, Reserved>()
  const planPair = createPairPlanner()
  let lastProbeAtMs = Number.NEGATIVE_INFINITY
  const arrivals = createArrivals()

  const breakerOf = (ref: ArmRef) => {
    const key = keyOf(ref)
    let breaker = breakers.get(key)
    if (breaker === undefined) {
      breaker = createBreaker()
      breakers.set(key, breaker)
    }
    return breaker
  }
  const priceOf = ({ money = 0, energyJ = 0, dataBytes = 0, qualityMs = 0 }: ArmPrice, nowMs: number) => {
    const sum =
      qualityMs +
      money * controllers.money.price(nowMs) +
      energyJ * controllers.energyJ.price(nowMs) +
      dataBytes * controllers.dataBytes.price(nowMs)
    return sum > 0 && sum < never ? sum : 0
  }
  const candidate = (ref: ArmRef, price: ArmPrice, raw: Forecast | undefined, nowMs: number): Candidate => {
    const time = saneForecast(raw, calibrators[ref.arm].calibrate)
    return {
      ...refOf(ref),
      time,
      meanMs: time === undefined ? never : meanOfForecast(time),
      p90Ms: time === undefined ? never : p90OfForecast(time),
      extraMs: priceOf(price, nowMs),
      price,
    }
  }

  const remember = (model: string, arm: Arm) => {
    previous.delete(model)
    previous.set(model, arm)
    for (const oldest of previous.keys()) {
      if (previous.size <= mostModels) break
      previous.delete(oldest)
    }
  }

  const plan = (snapshot: RouterSnapshot, forReal: boolean): RouteDecision => {
    const nowMs = now()
    const edge = candidate({ arm: 'edge' }, snapshot.edge, snapshot.edge.time, nowMs)
    const clouds = snapshot.clouds.map((option) =>
      candidate({ arm: 'cloud', endpoint: option.endpoint }, option, option.time, nowMs),
    )
    const usable = (cloud: Candidate, index: number) =>
      (snapshot.clouds[index]?.hasModel ?? 'unknown') !== false && breakerOf(cloud).allows(nowMs)
    const open = clouds.filter(usable)
    const ranked = (open.length > 0 ? open : clouds).slice().sort((a, b) => a.meanMs + a.extraMs - b.meanMs - b.extraMs)
    const cloud = ranked[0]
    const cloudOption: CloudOption | undefined =
      cloud && snapshot.clouds.find(({ endpoint }) => endpoint === cloud.endpoint)
    const predicted: Predictions = {
      ...(edge.time === undefined ? {} : { edge: { meanMs: edge.meanMs, p90Ms: edge.p90Ms } }),
      // Of an endpoint without the model there is nothing to foretell.
      ...(cloud?.time === undefined || cloudOption?.hasModel === false
        ? {}
        : { cloud: { meanMs: cloud.meanMs, p90Ms: cloud.p90Ms } }),
    }
    const limited = limitRoute({
      privacy: snapshot.privacy,
      online: snapshot.online,
      saveData: snapshot.saveData,
      edge: { ...snapshot.edge, breakerOpen: !breakerOf(edge).allows(nowMs) },
      cloudClosed: snapshot.cloudClosed,
      cloud: cloudOption && { hasModel: cloudOption.hasModel, breakerOpen: open.length === 0 },
    })
    if (limited !== undefined && limited.arm === undefined) return { ...limited, predicted }

    let first: Candidate
    let second: SecondRun | undefined
    let reason: RouteReason
    const fallbacks: ArmRef[] = []
    const otherClouds = (taken: ArmRef) => ranked.filter(({ endpoint }) => endpoint !== taken.endpoint)
    if (limited !== undefined) {
      first = limited.arm === 'edge' || cloud === undefined ? edge : cloud
      reason = limited.reason
      if (first.arm === 'cloud') fallbacks.push(...otherClouds(first).map(refOf))
      if (limited.fallback !== undefined) {
        fallbacks.push(...(limited.fallback === 'edge' ? [refOf(edge)] : ranked.map(refOf)))
      }
      const spare = otherClouds(first)[0]
      if (first.arm === 'cloud' && spare !== undefined && open.includes(spare)) {
        ;[first, second] = pair(snapshot, first, spare, forReal)
      }
    } else if (cloud === undefined) {
      first = edge
      reason = 'edge-faster'
    } else {
      ;[first, second] = pair(snapshot, edge, cloud, forReal)
      reason = whyArm(snapshot, first.arm, edge, cloud, previous.get(snapshot.model))
      if (first.arm === 'edge') fallbacks.push(...ranked.map(refOf))
      else fallbacks.push(refOf(edge), ...otherClouds(first).map(refOf))
    }
    const probe =
      cloud !== undefined &&
      limited === undefined &&
      wantsProbe(first, second, edge, cloud, {
        ageMs: cloudOption?.ageMs,
        sinceProbeMs: nowMs - lastProbeAtMs,
        probeAgeMs: settings.probeAgeMs,
        probeSd: settings.probeSd,
      })
    const made: RoutePlan = {
      ...refOf(first),
      model: snapshot.model,
      reason,
      fallbacks,
      ...(second === undefined ? {} : { second }),
      ...(probe && cloud.endpoint !== undefined ? { probe: cloud.endpoint } : {}),
      predicted,
      arms: [edge, ...clouds].flatMap((each): RouteArmPrediction[] =>
        each.time === undefined ? [] : [{ ...refOf(each), meanMs: each.meanMs, p90Ms: each.p90Ms }],
      ),
    }
    if (forReal) {
      if (probe) lastProbeAtMs = nowMs
      const all = [edge, ...clouds]
      reserved.set(made, {
        p90s: new Map(all.flatMap((each) => (each.time === undefined ? [] : [[keyOf(each), each.p90Ms]]))),
        prices: new Map(all.map((each) => [keyOf(each), each.price])),
        second,
        ends: 0,
        lost: undefined,
      })
      breakerOf(first).begin(nowMs)
      remember(snapshot.model, first.arm)
      arrivals.observe(nowMs, first.arm)
      tokens.edge.refill()
      tokens.cloud.refill()
      if (second !== undefined) tokens[second.arm].take()
    }
    return made
  }

  /** Which of two arms starts, and whether and when the other one follows. */
  function pair(
    snapshot: RouterSnapshot,
    a: Candidate,
    b: Candidate,
    forReal: boolean,
  ): [Candidate, SecondRun | undefined] {
    if (a.time === undefined || b.time === undefined) {
      const bothUnknown = a.time === undefined && b.time === undefined
      const takeA = bothUnknown ? a.arm === 'cloud' || snapshot.edge.status === 'ready' : b.time === undefined
      return [takeA ? a : b, undefined]
    }
    const edgeSecond = snapshot.edge.status === 'ready' && snapshot.savePower !== true
    const doubles = snapshot.once !== true && (a.arm !== 'edge' || edgeSecond)
    const scaleMs = Math.min(a.meanMs, b.meanMs)
    const delayMs = settings.delayPrice * arrivals.delayOf(snapshot.edge.busyMs ?? 0, snapshot.edge.waitMs ?? 0)
    const kept = previous.get(snapshot.model)
    const best = planPair(a.time, b.time, {
      firstExtra:
        a.extraMs +
        (a.arm === 'edge' ? delayMs : 0) +
        (kept === b.arm && a.arm !== b.arm ? (hysteresis - 1) * scaleMs : 0),
      otherExtra:
        b.extraMs +
        (b.arm === 'edge' ? delayMs : 0) +
        (kept === a.arm && a.arm !== b.arm ? (hysteresis - 1) * scaleMs : 0),
      wastedFirst: wasteOf(a.arm, scaleMs),
      wastedOther: wasteOf(b.arm, scaleMs),
      mayFollowFirst: doubles && mayFollow(a.arm, b.arm),
      mayFollowOther: doubles && mayFollow(b.arm, a.arm),
      harm: settings.harm * arrivals.spareOf(snapshot.edge.busyMs ?? 0),
      deadlineMs: snapshot.deadlineMs ?? never,
      latePenalty: snapshot.deadlineMs ?? 0,
      disasterFirst: a.arm === 'edge' ? settings.edgeDisaster : settings.cloudDisaster,
      disasterOther: b.arm === 'edge' ? settings.edgeDisaster : settings.cloudDisaster,
    })
    let [first, other] = best.firstStarts ? [a, b] : [b, a]
    // Where both start at once, the one that is expected to answer is named.
    if (best.afterMs === 0 && other.meanMs < first.meanMs && mayFollow(other.arm, first.arm)) {
      ;[first, other] = [other, first]
    }
    let second: SecondRun | undefined
    if (best.afterMs < never) second = { ...refOf(other), afterMs: best.afterMs, purpose: 'hedge' }
    if (forReal && doubles && explores(snapshot, first, other, now(), tokens)) {
      second = { ...refOf(other), afterMs: 0, purpose: 'explore' }
    }
    return [first, second]
  }

  return {
    decide: (snapshot) => plan(snapshot, true),
    peek: (snapshot) => plan(snapshot, false),
    observe(made, end) {
      const nowMs = now()
      const held = reserved.get(made)
      const breaker = breakerOf(end)
      if (end.result === 'answered') breaker.success()
      else if (end.result === 'failed') breaker.failure(nowMs)
      else breaker.abandon()
      if (held === undefined) return
      held.ends += 1
      if (end.result === 'lost') held.lost = end.arm
      const predicted = held.p90s.get(keyOf(end))
      if (predicted !== undefined && (end.result === 'answered' || end.result === 'lost')) {
        calibrators[end.arm].observe(predicted, end.ms, end.result === 'lost')
      }
      const { money = 0, energyJ = 0, dataBytes = 0 } = held.prices.get(keyOf(end)) ?? {}
      controllers.money.spend(money, nowMs)
      controllers.energyJ.spend(energyJ, nowMs)
      controllers.dataBytes.spend(dataBytes, nowMs)
    },
    settle(made) {
      const held = reserved.get(made)
      if (held === undefined) return
      reserved.delete(made)
      if (held.second === undefined) return
      // The token is for the run that was in vain, whichever it was.
      if (held.lost === held.second.arm) return
      tokens[held.second.arm].giveBack()
      if (held.lost !== undefined) tokens[held.lost].take()
    },
    snapshot: () => ({ version: 1, edgeScale: calibrators.edge.scale, cloudScale: calibrators.cloud.scale }),
    restore(stored) {
      if (typeof stored !== 'object' || stored === null || !('version' in stored) || stored.version !== 1) return
      if ('edgeScale' in stored && typeof stored.edgeScale === 'number') calibrators.edge.scale = stored.edgeScale
      if ('cloudScale' in stored && typeof stored.cloudScale === 'number') calibrators.cloud.scale = stored.cloudScale
    },
  }
}

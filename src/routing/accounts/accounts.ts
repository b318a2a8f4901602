import type { Arm } from '../../contracts/route.ts'
import type { Forecast } from '../../utils/forecast.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import { armKey } from '../arm-ref.ts'
import type { routerSettings } from '../router-settings.ts'
import type { ArmPrice, ArmRef, RoutePlan, RouterPolicy, RunEnd } from '../router-types.ts'
import { type Arrivals, createArrivals } from './arrivals.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import { createBudgetController } from './budget-controller.ts'
import { createCalibrator } from './calibrator.ts'
import { createLastArms } from './last-arms.ts'
import { resources } from './resources.ts'
import { createWasteBudget, type WasteBudget } from './waste-budget.ts'

/** The part of an arm's estimate that is booked with a plan. */
export interface BookedArm extends ArmRef {
  readonly time: Forecast | undefined
  readonly p90Ms: number
  readonly price: ArmPrice
}

/** The router's state: everything that outlives a request. Looking at it changes nothing, a plan is booked once. */
export interface Accounts {
  /** False while the arm's breaker keeps requests away from it. */
  allows(ref: ArmRef, nowMs: number): boolean
  /** The time with its spread corrected by how earlier predictions for the arm came out. */
  calibrate(arm: Arm, time: LogNormal): LogNormal
  /** A run's cost beside its time, in milliseconds of waiting. */
  extraMsOf(price: ArmPrice, nowMs: number): number
  /** Books what was spent elsewhere, such as on a text. */
  spend(price: ArmPrice, nowMs: number): void
  /** The arm that the model's last request started on. */
  lastArmOf(model: string): Arm | undefined
  readonly waste: WasteBudget
  readonly arrivals: Pick<Arrivals, 'delayOf' | 'spareOf'>
  /** Books a plan that is about to run: takes a token for its second run, and marks its first arm as in use. */
  reserve(plan: RoutePlan, arms: readonly BookedArm[], nowMs: number): void
  /** Books the end of one run of a plan. */
  observe(plan: RoutePlan, end: RunEnd, nowMs: number): void
  /** Closes a plan: its token pays for the run that was wasted, or goes back. */
  settle(plan: RoutePlan): void
  snapshot(): unknown
  restore(stored: unknown): void
}

/** A plan's bookings until it is settled. */
interface Reservation {
  readonly arms: ReadonlyMap<string, BookedArm>
  /** The arm of the run that lost against another one. */
  lost: Arm | undefined
}

/** Everything that the router remembers from request to request. */
export function createAccounts(settings: typeof routerSettings, policy: Partial<RouterPolicy> = {}): Accounts {
  const { wastedEdgeShare = settings.edgeTokens, wastedCloudShare = settings.cloudTokens, budgets = {} } = policy
  const waste = createWasteBudget({ edge: wastedEdgeShare, cloud: wastedCloudShare }, settings)
  const calibrators = {
    edge: createCalibrator({ start: settings.edgeScale, step: settings.calibrationStep }),
    cloud: createCalibrator({ start: settings.cloudScale, step: settings.calibrationStep }),
  }
  const controllers = {
    money: createBudgetController(budgets.moneyPerHour),
    energyJ: createBudgetController(budgets.energyJPerHour),
    dataBytes: createBudgetController(budgets.dataBytesPerHour),
  }
  const arrivals = createArrivals()
  const lastArms = createLastArms()
  const breakers = new Map<string, Breaker>()
  const reservations = new WeakMap<RoutePlan, Reservation>()

  const spend = (price: ArmPrice | undefined, nowMs: number) => {
    for (const resource of resources) controllers[resource].spend(price?.[resource] ?? 0, nowMs)
  }
  const breakerOf = (ref: ArmRef) => {
    const key = armKey(ref)
    let breaker = breakers.get(key)
    if (breaker === undefined) {
      breaker = createBreaker()
      breakers.set(key, breaker)
    }
    return breaker
  }

  return {
    allows: (ref, nowMs) => breakerOf(ref).allows(nowMs),
    calibrate: (arm, time) => calibrators[arm].calibrate(time),
    extraMsOf(price, nowMs) {
      let sum = price.qualityMs ?? 0
      for (const resource of resources) sum += (price[resource] ?? 0) * controllers[resource].price(nowMs)
      return sum > 0 && sum < Number.POSITIVE_INFINITY ? sum : 0
    },
    spend,
    lastArmOf: lastArms.of,
    waste,
    arrivals,
    reserve(plan, arms, nowMs) {
      const { second } = plan
      reservations.set(plan, { arms: new Map(arms.map((each) => [armKey(each), each])), lost: undefined })
      breakerOf(plan).begin(nowMs)
      lastArms.set(plan.model, plan.arm)
      arrivals.observe(nowMs, plan.arm)
      waste.tokens.edge.refill()
      waste.tokens.cloud.refill()
      if (second !== undefined) waste.tokens[second.arm].take()
    },
    observe(plan, end, nowMs) {
      const breaker = breakerOf(end)
      if (end.result === 'answered') breaker.success()
      else if (end.result === 'failed') breaker.failure(nowMs)
      else breaker.abandon()
      const reservation = reservations.get(plan)
      if (reservation === undefined) return
      const isLost = end.result === 'lost'
      if (isLost) reservation.lost = end.arm
      const booked = reservation.arms.get(armKey(end))
      if (booked?.time !== undefined && (isLost || end.result === 'answered')) {
        calibrators[end.arm].observe(booked.p90Ms, end.ms, isLost)
      }
      spend(booked?.price, nowMs)
    },
    settle(plan) {
      const reservation = reservations.get(plan)
      if (reservation === undefined) return
      reservations.delete(plan)
      const { second } = plan
      const { lost } = reservation
      if (second === undefined || lost === second.arm) return
      // The second run answered, or never started: its token goes back, and the first run, if wasted, pays instead.
      waste.tokens[second.arm].giveBack()
      if (lost !== undefined) waste.tokens[lost].take()
    },
    snapshot: () => ({ version: 1, edgeScale: calibrators.edge.scale, cloudScale: calibrators.cloud.scale }),
    restore(stored) {
      const { version, edgeScale, cloudScale } = (stored ?? {}) as Readonly<Record<string, unknown>>
      if (version !== 1) return
      if (typeof edgeScale === 'number') calibrators.edge.scale = edgeScale
      if (typeof cloudScale === 'number') calibrators.cloud.scale = cloudScale
    },
  }
}

import type { Arm, Prediction, Privacy, RouteArmPrediction, RouteAttempt, RouteReason } from '../contracts/route.ts'
import type { Forecast } from '../utils/forecast.ts'
import type { LogNormal } from '../utils/log-normal.ts'
import type { NoArmReason } from './no-arm-reasons.ts'

/** One place where a request can run: this device, or one of the endpoints. */
export interface ArmRef {
  readonly arm: Arm
  /** Which endpoint; absent for the edge. */
  readonly endpoint?: string
}

/** Where a model stands at the edge: `unavailable` is a model that this browser cannot run at all. */
export type EdgeStatus = 'absent' | 'downloading' | 'stored' | 'loading' | 'ready' | 'unavailable'

/** Cost of a run beside its time. A field that is left out counts as 0. */
export interface ArmPrice {
  /** Money, in the unit of the budget. */
  readonly money?: number | undefined
  /** Joules that this device uses. */
  readonly energyJ?: number | undefined
  /** Bytes that cross the network, both ways together. */
  readonly dataBytes?: number | undefined
  /** Penalty for a worse answer, in milliseconds of waiting. */
  readonly qualityMs?: number | undefined
}

export interface EdgeOption extends ArmPrice {
  readonly status: EdgeStatus
  /** While it is absent, the model is left to the cloud: its manifest says so. */
  readonly cloudByDefault?: boolean | undefined
  /** Completion time in milliseconds from now: wait, rest of the download and load, and the run. */
  readonly time?: LogNormal | undefined
  /** How long a run occupies the worker, in milliseconds: later requests queue behind it. Default 0. */
  readonly busyMs?: number | undefined
  /** How long a run waits in the worker's queue, in milliseconds. Default 0. */
  readonly waitMs?: number | undefined
  /** Long-term median of a run, in milliseconds: a device that is throttled now may recover to it. */
  readonly usualMs?: number | undefined
  /** How long ago a run was last measured, in milliseconds. */
  readonly ageMs?: number | undefined
}

export interface CloudOption extends ArmPrice {
  /** The endpoint's name, the same from request to request: its origin. */
  readonly endpoint: string
  readonly hasModel: boolean | 'unknown'
  /** Completion time in milliseconds from now; as two log-normals where the link may have changed. */
  readonly time?: Forecast | undefined
  /** Milliseconds since the link to it was last measured; absent when it never was. */
  readonly ageMs?: number | undefined
}

/** The router's whole input for one request. Holds nothing of the request's content. */
export interface RouterSnapshot {
  /** Name of the work that repeats; hysteresis is kept per name. */
  readonly model: string
  readonly privacy: Privacy
  readonly online: boolean
  readonly saveData: boolean
  /**
   * Milliseconds from now in which an answer is wanted. Soft: a late answer costs more, so it steers the plan, but no
   * run is aborted for it. A hard timeout is the caller's.
   */
  readonly deadlineMs?: number | undefined
  readonly edge: EdgeOption
  /** The configured endpoints, in any order. Empty: no cloud. */
  readonly clouds: readonly CloudOption[]
  /** There are endpoints, but their operators closed them all, and `clouds` is empty. Default false. */
  readonly cloudClosed?: boolean | undefined
  /** The battery is low or the device saves power: no second run at the edge. Default false. */
  readonly savePower?: boolean | undefined
  /** The request must not run twice (it changes state, or costs too much): no second run. Default false. */
  readonly once?: boolean | undefined
}

/** A second run of the same request, started unless the first one has answered by then. */
export interface SecondRun extends ArmRef {
  /** Milliseconds after the first run's start; 0 starts both together. */
  readonly afterMs: number
  /** `hedge`: the first one may be slow. `explore`: to learn how fast the other arm is, at no cost of time. */
  readonly purpose: 'hedge' | 'explore'
}

/** Predicted times of the arms for which there is a prediction; the cloud's is that of the best endpoint. */
export interface Predictions {
  readonly edge?: Prediction
  readonly cloud?: Prediction
}

/** How a request is to be run. Once it has run, a `RouteRecord` says what came of it. */
export interface RoutePlan extends ArmRef {
  readonly model: string
  readonly reason: RouteReason
  /** Take these in order when a run fails with an error that may fall over; each is another place than the first. */
  readonly fallbacks: readonly ArmRef[]
  readonly second?: SecondRun
  /**
   * Endpoint whose link should be probed now, beside the run: the decision was close, and its last measurement is old.
   * A probe is an upload of `probeBytes` that the endpoint answers at once.
   */
  readonly probe?: string
  readonly predicted: Predictions
  /** Every arm that has a prediction, the edge first. */
  readonly arms: readonly RouteArmPrediction[]
}

/** No arm can take the request. */
export interface NoRoute {
  readonly arm: undefined
  readonly reason: NoArmReason
  readonly predicted: Predictions
}

export type RouteDecision = RoutePlan | NoRoute

/** How one run of a plan ended. */
export interface RunEnd extends ArmRef {
  /**
   * `answered`: its answer came. `failed`: the arm was at fault. `lost`: the other run answered first, and this one
   * was aborted or its answer dropped. `abandoned`: no evidence about the arm (aborted by the user, or the request
   * was itself at fault).
   */
  readonly result: NonNullable<RouteAttempt['result']>
  /** Milliseconds from this run's start to its end; for one that was lost, a lower bound of what it would have taken. */
  readonly ms: number
}

/** Spending per hour that the router keeps to. Left out: no limit. */
export interface RouterBudgets {
  readonly moneyPerHour?: number
  readonly energyJPerHour?: number
  readonly dataBytesPerHour?: number
}

export interface RouterPolicy {
  /** Wasted runs allowed at the edge, as a share of the requests. */
  readonly wastedEdgeShare: number
  /** Wasted runs allowed in the cloud, as a share of the requests. */
  readonly wastedCloudShare: number
  /** A factor: the model's last arm is kept unless the other one is better by more than it. */
  readonly hysteresis: number
  readonly budgets: RouterBudgets
}

/** The budgets of money, energy and data, which all requests share. */
export interface Spending {
  /** What a price is worth now, in milliseconds of waiting: 0 while little of the budgets is spent. */
  extraMsOf(price: ArmPrice): number
  /** Books what a run has cost that this router did not plan, such as a text's. */
  spend(price: ArmPrice): void
}

/**
 * Decides how requests run. Apart from its own small state it is pure: no I/O, no timers, and the same calls with the
 * same `random` and `now` give the same plans.
 *
 * For each request, in this order:
 *
 * 1. `decide(snapshot)` gives a plan, or the reason why no arm can run it. It reserves a token for the second run.
 * 2. Start the plan's first run. If `second` is there and no answer came within `afterMs`, start it too; the first
 *    answer counts, the other run is aborted. When the first run fails before that, start the second one at once; then
 *    the `fallbacks` in order.
 * 3. `observe(plan, end)` once for each run that was started, when it ends.
 * 4. `settle(plan)` once, when the request has ended, however it ended. An unused token goes back.
 *
 * The runs' measured times go to the estimators (`Link`, `RouteLearner`), which the next snapshot is made from. A lost
 * run is a lower bound for them, too (`Link.observeAtLeast`).
 */
export interface Router extends Spending {
  decide(snapshot: RouterSnapshot): RouteDecision
  /** The plan that `decide` would make, without its effects: reserves nothing and draws no random number. */
  peek(snapshot: RouterSnapshot): RouteDecision
  observe(plan: RoutePlan, end: RunEnd): void
  settle(plan: RoutePlan): void
  /** The learned calibration as plain JSON, to be stored. Breakers are left out: they are short-lived. */
  snapshot(): unknown
  /** Continues from a stored snapshot. Invalid data is ignored. */
  restore(snapshot: unknown): void
}

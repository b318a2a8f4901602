import type { Arm, Privacy, RouteReason } from '../contracts/route.ts'
import type { Forecast } from '../utils/forecast.ts'
import type { LogNormal } from '../utils/log-normal.ts'
import type { EdgeStatus, NoRoute, Predictions } from './limit-route.ts'

/** One place where a request can run: this device, or one of the endpoints. */
export interface ArmRef {
  readonly arm: Arm
  /** Which endpoint; absent for the edge. */
  readonly endpoint?: string
}

/** What a run on an arm costs beside time. Left out: nothing. */
export interface ArmPrice {
  /** Money, in the unit of the budget. */
  readonly money?: number | undefined
  /** Joules that this device spends. */
  readonly energyJ?: number | undefined
  /** Bytes that cross the network, both ways together. */
  readonly dataBytes?: number | undefined
  /** What a worse answer is worth, in milliseconds of waiting. */
  readonly qualityMs?: number | undefined
}

export interface EdgeOption extends ArmPrice {
  readonly status: EdgeStatus
  /** While it is absent, the model is left to the cloud: its manifest says so. */
  readonly cloudByDefault?: boolean | undefined
  /** Completion time in milliseconds from now: wait, what is left of download and load, and the run. */
  readonly time?: LogNormal | undefined
  /** How long a run holds the device, in milliseconds: what later requests wait for. Default 0. */
  readonly busyMs?: number | undefined
  /** How long a run waits for those before it, in milliseconds. Default 0. */
  readonly waitMs?: number | undefined
  /** What a run has taken over many of them, in milliseconds: a device that is slow now may be as it was again. */
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

/** All that the router is told of a request: what is known, and no content. */
export interface RouterSnapshot {
  /** Any name for work that repeats: hysteresis is kept for each. */
  readonly model: string
  readonly privacy: Privacy
  readonly online: boolean
  readonly saveData: boolean
  /**
   * Milliseconds from now in which an answer is wanted. Soft: it steers the plan (a late answer counts for more), and
   * ends nothing. Whoever runs the plan enforces a hard limit.
   */
  readonly deadlineMs?: number | undefined
  readonly edge: EdgeOption
  /** The endpoints that are configured, in any order; none is a client without a cloud. */
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

/** What was predicted of one arm. */
export interface ArmPrediction extends ArmRef {
  readonly meanMs: number
  readonly p90Ms: number
}

/** How a request is to be run. */
export interface RoutePlan extends ArmRef {
  readonly model: string
  readonly reason: RouteReason
  /** Take these in order when a run fails with an error that may fall over; each is another place than the first. */
  readonly fallbacks: readonly ArmRef[]
  readonly second?: SecondRun
  /**
   * Endpoints whose link should be probed now, beside the run: the decision was close, and what is known is old. A
   * probe is an upload of `probeBytes` that the endpoint answers at once.
   */
  readonly probe?: string
  readonly predicted: Predictions
  /** Every arm that has a prediction, the edge first. */
  readonly arms: readonly ArmPrediction[]
}

/** How one run of a plan ended. */
export interface RunEnd extends ArmRef {
  /**
   * `answered`: its answer came. `failed`: the arm was at fault. `lost`: the other run answered first, and this one
   * was aborted or its answer dropped. `abandoned`: it says nothing of the arm (aborted by the user, or the request
   * was itself at fault).
   */
  readonly result: 'answered' | 'failed' | 'lost' | 'abandoned'
  /** Milliseconds from this run's start to its end; for one that was lost, a lower bound of what it would have taken. */
  readonly ms: number
}

/** What is spent per unit of time, and what the router should keep to. Left out: no limit. */
export interface RouterBudgets {
  readonly moneyPerHour?: number
  readonly energyJPerHour?: number
  readonly dataBytesPerHour?: number
}

export interface RouterPolicy {
  /** Second runs whose edge side may be wasted, as a share of the requests. */
  readonly wastedEdgeShare: number
  /** Second runs whose cloud side may be wasted, as a share of the requests. */
  readonly wastedCloudShare: number
  /** The former arm is kept while the other one is not better by more than this share. */
  readonly hysteresis: number
  readonly budgets: RouterBudgets
}

/**
 * Decides how requests run. Pure apart from its own small state: it does no input or output and starts no timers, and
 * the same calls with the same `random` and `now` give the same plans.
 *
 * For each request, in this order:
 *
 * 1. `decide(snapshot)` gives a plan, or says that no arm can. It reserves what a second run may cost.
 * 2. Start the plan's first run. If `second` is there and no answer came within `afterMs`, start it too; the first
 *    answer counts, the other run is aborted. When the first run fails before that, start the second one at once; then
 *    the `fallbacks` in order.
 * 3. `observe(plan, end)` once for each run that was started, when it ends.
 * 4. `settle(plan)` once, when the request has ended however it ended. What was reserved and not used goes back.
 *
 * What the runs measured goes to the estimators (`Link`, `RouteLearner`), which the next snapshot is made from; a run
 * that was lost is a lower bound there, too (`Link.observeAtLeast`).
 */
export interface Router {
  decide(snapshot: RouterSnapshot): RoutePlan | NoRoute
  /** What `decide` would say, without effect: it reserves nothing and draws no random number. */
  peek(snapshot: RouterSnapshot): RoutePlan | NoRoute
  observe(plan: RoutePlan, end: RunEnd): void
  settle(plan: RoutePlan): void
  /** What is worth storing, as plain JSON. Breakers are not. */
  snapshot(): unknown
  /** Continues from a stored snapshot. Anything that makes no sense is ignored. */
  restore(snapshot: unknown): void
}

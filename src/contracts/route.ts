import type { CascadeOutcome } from './cascade.ts'
import type { Backend } from './model-state.ts'
import type { MoveReason, routeReasons } from './route-reasons.ts'

/** A place where a request can run. */
export type Arm = 'edge' | 'cloud'

/** Where a request may run. `edge-only` content never leaves the device, not even in a failure report. */
export const privacyModes = ['edge-only', 'prefer-edge', 'any', 'cloud-only'] as const
export type Privacy = (typeof privacyModes)[number]

/** A predicted completion time, in milliseconds from the request's start. */
export interface Prediction {
  readonly meanMs: number
  readonly p90Ms: number
}

export type RouteReason = keyof typeof routeReasons

/** One run of a request on one arm. */
export interface RouteAttempt {
  readonly arm: Arm
  /** Which endpoint, by its address; absent for the edge. */
  readonly endpoint?: string
  /** Milliseconds after the first run's start. */
  readonly startedMs?: number
  /** How long it took, in milliseconds; of a run that was `lost`, how long it had taken when another one answered. */
  readonly ms: number
  /**
   * `answered`: its answer is the request's. `failed`: the arm was at fault. `lost`: another run answered first.
   * `abandoned`: it ended without saying anything of the arm.
   */
  readonly result?: 'answered' | 'failed' | 'lost' | 'abandoned'
  /** The error's code when the attempt failed. */
  readonly error?: string
}

/** What an operator said, as far as it bore on a request. */
export interface RouteNotice {
  readonly kind: 'region-down'
  /** The endpoint that was not asked, by its address. */
  readonly endpoint: string
  /** The operator's own words. */
  readonly why?: string
}

/** What was known when a request was routed. */
export interface RouteKnowledge {
  readonly online: boolean
  readonly saveData: boolean
  /** The battery was low: no second run at the edge. */
  readonly savePower: boolean
  /** Where the model stood at the edge. */
  readonly edgeStatus: string
  /** Runs that waited or ran before this one in the model's worker. */
  readonly edgeWaiting: number
  /** Bytes of the request, before compression. */
  readonly requestBytes: number
  /**
   * True when what the edge's prediction rests on was measured: its runs or its warm-up and, while the model was not
   * ready, the rate of its server, the runtime and loads. False: a part of it was assumed. Absent where it cannot run there.
   */
  readonly edgeMeasured?: boolean
  /** What was still to come before the model was ready; absent once it was. */
  readonly preparation?: RoutePreparation
  /** What operators said of endpoints that were left out; absent when nothing was said. */
  readonly notices?: readonly RouteNotice[]
  /** The link to each endpoint; a figure is absent until it was measured. */
  readonly links: readonly {
    readonly endpoint: string
    readonly region?: string
    readonly roundTripMs?: number
    readonly uplinkBitsPerSecond?: number
    readonly downlinkBitsPerSecond?: number
    readonly ageMs?: number
    /** True once a run of this model there was measured, and the link to it. */
    readonly measured?: boolean
  }[]
}

/** What was predicted of one arm, in milliseconds from the request's start. */
export interface RouteArmPrediction extends Prediction {
  readonly arm: Arm
  readonly endpoint?: string
}

/** How a request was meant to run. */
export interface RoutePlanRecord {
  readonly arm: Arm
  readonly endpoint?: string
  /** The second run, and whether it was started. */
  readonly second?: {
    readonly arm: Arm
    readonly endpoint?: string
    readonly afterMs: number
    readonly purpose: 'hedge' | 'explore'
    readonly started: boolean
  }
}

/** What was still to come before a model was ready on this device. */
export interface RoutePreparation {
  /** Of the model and of the runtime. */
  readonly remainingBytes: number
  /** The median rate at which its server was taken to send them. */
  readonly bitsPerSecond: number
  /** True once a download from that server has shown it. */
  readonly rateMeasured: boolean
}

/** What the arm that did not answer would have cost, where that was measured. */
export interface RouteOther {
  readonly arm: Arm
  readonly endpoint?: string
  /** `at-least`: milliseconds from its run's start. `when-ready`: from the request's start. */
  readonly ms: number
  /**
   * `at-least`: it was still running when it was aborted, and would have taken longer. `when-ready`: the model was on its
   * way to this device and was ready later: then, and a run after it, is when an answer would have come from there.
   */
  readonly known: 'at-least' | 'when-ready'
}

/** Where the time of a request went, in milliseconds. A part that was not measured is left out. */
export interface RouteParts {
  /** From what the user gave to tensors. */
  readonly prepareMs?: number
  /** Waiting for a worker, here or at the endpoint. */
  readonly queueMs?: number
  /** Request bytes on the way up; with `downloadMs` this is the network's whole share. */
  readonly uploadMs?: number
  readonly computeMs?: number
  readonly downloadMs?: number
}

/** Where a small model has a large one behind it: whether that was asked, and why. */
export interface RouteCascade {
  readonly outcome: CascadeOutcome
  readonly why: string
  /** Name of the large model. */
  readonly large: string
  /** Below this confidence of the small model, the large one is asked. */
  readonly minConfidence: number
  /** The small model's run. */
  readonly small: {
    readonly model: string
    readonly revision: string
    /** The probability that it gave its answer. */
    readonly confidence: number
    readonly ran: Arm
    readonly endpoint?: string
    readonly backend?: Backend
    /** From the request's start to its answer, in milliseconds. */
    readonly actualMs: number
  }
}

/** Why an answer in text ended. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'aborted' | 'cut-off'

/** How a text was written. */
export interface RouteWriting {
  readonly finishReason: FinishReason
  readonly promptTokens: number
  /** Of the prompt: known from before, and not read again. */
  readonly cachedTokens: number
  readonly tokens: number
  /** From the request's start to the answer's end, in milliseconds. */
  readonly totalMs: number
  /** Per token after the first one, on average, in milliseconds. */
  readonly tokenMs?: number
  /** From the request's start to the first token, in milliseconds; absent where none came. */
  readonly firstTokenMs?: number
  /** Tokens that arms read or wrote in vain: what lost a race, what was read ahead and not needed. */
  readonly wastedTokens?: number
  /** Where another place went on with it. */
  readonly moves: readonly RouteMove[]
  /** What was predicted of each arm beside its first token, which `arms` has. */
  readonly arms?: readonly RouteWritingArm[]
}

/** A place in an answer where another arm went on with it. */
export interface RouteMove {
  readonly from: Arm
  readonly to: Arm
  /** The endpoint that went on, by its address; absent for the edge. */
  readonly endpoint?: string
  readonly reason: MoveReason
  /** The error's code, where what wrote has failed. */
  readonly error?: string
  readonly atToken: number
  /** From noticing to going on, in milliseconds. */
  readonly gapMs: number
  /** It could not be gone on with, and was begun anew: the text before counts no more. */
  readonly restarted?: boolean
}

/** What was predicted of a text on one arm. */
export interface RouteWritingArm {
  readonly arm: Arm
  readonly endpoint?: string
  readonly tokensPerSecond: number
  /** From the request's start to the end of an answer of usual length. */
  readonly end: Prediction
  /** False: nothing was measured there, and this is assumed. */
  readonly isMeasured: boolean
  /** What an answer of usual length costs there: money as `policy.budgets` counts it, and joules of this device. */
  readonly money?: number
  readonly energyJ?: number
}

/** Why a request ran where it ran, and what came of it. Holds nothing of the request's content. */
export interface RouteRecord {
  readonly id: string
  readonly model: string
  readonly revision: string
  /** When the request started, in milliseconds since the epoch. */
  readonly startedAtMs: number
  readonly ran: Arm
  /** The edge's backend; absent when the cloud answered. */
  readonly backend?: Backend
  readonly reason: RouteReason
  readonly why: string
  readonly predicted: { readonly edge?: Prediction; readonly cloud?: Prediction }
  /** From the request's start to its answer, in milliseconds; of a text, to its first token, or its end without one. */
  readonly actualMs: number
  readonly parts: RouteParts
  /** Every run that was started, in the order of their starts. */
  readonly attempts: readonly RouteAttempt[]
  /** The endpoint that answered, by its address; absent when the edge did. */
  readonly endpoint?: string
  readonly known?: RouteKnowledge
  /** What was predicted of each arm, the edge first, then each endpoint. */
  readonly arms?: readonly RouteArmPrediction[]
  readonly plan?: RoutePlanRecord
  readonly other?: RouteOther
  /** Set for a model with a cascade; the record's other fields are of the model that answered. */
  readonly cascade?: RouteCascade
  /** Set for an answer in text. */
  readonly writing?: RouteWriting
  /** When an answer was wanted, in milliseconds from the request's start, and whether it came by then. */
  readonly deadline?: { readonly ms: number; readonly met: boolean }
}

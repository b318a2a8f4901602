import type { Prediction, Privacy, RouteReason } from '../../contracts/route.ts'
import type { Forecast } from '../../utils/forecast.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import type { NoArmReason } from '../no-arm-reasons.ts'
import type { ArmPrice, ArmRef, EdgeStatus } from '../router-types.ts'

/**
 * What a request for text wants: its first token soon, as long as the rest comes as fast as people read (`first-token`,
 * for answers that are shown while they are written), or its end (`whole`).
 */
export type TextObjective = 'first-token' | 'whole'

/** How an arm is predicted to write an answer. */
export interface TextForecast {
  /** Milliseconds from the run's start to its first token; as two log-normals where some take many times as long. */
  readonly firstToken: Forecast
  /** Milliseconds for each token after the first. */
  readonly token: LogNormal
  /** The first token's forecast rests on a run that was measured, and not on assumptions. */
  readonly isMeasured: boolean
  /** Median milliseconds to the first token over a long time: an arm that is slow now may be so again. */
  readonly usualMs?: number | undefined
  /** Milliseconds since a first token was last measured there. */
  readonly ageMs?: number | undefined
}

/** What a text costs on an arm beside its time. What is left out is 0. */
export interface TextPrice {
  /** Each request, however long it is. */
  readonly request?: ArmPrice | undefined
  /** Each token of the prompt that is read. */
  readonly promptToken?: ArmPrice | undefined
  /** Each token that is written. */
  readonly answerToken?: ArmPrice | undefined
  /** What a token counts in the budgets for the waste of races. Default: one, whether it is read or written. */
  readonly weights?: { readonly promptToken: number; readonly answerToken: number } | undefined
}

/** What the device could do with the request. */
export interface TextEdgeOption {
  /** What it costs beside its time, for the budgets. */
  readonly price?: TextPrice | undefined
  readonly status: EdgeStatus
  /** While it is absent, the model is left to the cloud: its manifest says so. */
  readonly cloudByDefault?: boolean | undefined
  readonly forecast?: TextForecast | undefined
  /** Tokens that the model can look back on, prompt and answer together. Default: no limit. */
  readonly contextTokens?: number | undefined
  /** Tokens for whose keys and values the memory suffices, beside the weights. Default: no limit. */
  readonly memoryTokens?: number | undefined
  /** Of the prompt: known from earlier turns, and not read again. Default 0. */
  readonly cachedTokens?: number | undefined
  /** It can't do what the request asks for, such as call tools. Default false. */
  readonly lacks?: boolean | undefined
}

/** What an endpoint could do with the request. */
export interface TextCloudOption {
  /** What it costs beside its time, for the budgets. */
  readonly price?: TextPrice | undefined
  /** The endpoint's name, the same from request to request: its origin. */
  readonly endpoint: string
  readonly hasModel: boolean | 'unknown'
  readonly forecast?: TextForecast | undefined
  /** Tokens that its model can look back on, prompt and answer together. Default: no limit. */
  readonly contextTokens?: number | undefined
  /** It can't do what the request asks for, such as call tools. Default false. */
  readonly lacks?: boolean | undefined
}

/** The text router's whole input for one request. Holds nothing of its content. */
export interface TextSnapshot {
  /** Name of the work that repeats: the model and its revision. */
  readonly model: string
  readonly privacy: Privacy
  readonly online: boolean
  readonly saveData: boolean
  /** The battery is low or the device saves power: the edge starts no second run. Default false. */
  readonly savePower?: boolean | undefined
  /** Default `first-token`. */
  readonly objective?: TextObjective | undefined
  readonly promptTokens: number
  /**
   * What the prompt has for certain, where `promptTokens` is an estimate: what an arm can't hold goes by this. Default:
   * `promptTokens`.
   */
  readonly leastPromptTokens?: number | undefined
  /** Tokens that the answer may have. */
  readonly maxTokens: number
  /** Tokens that it is expected to have (`TextLearner.answerTokens`). Default: a quarter of `maxTokens`, at most 150. */
  readonly answerTokens?: number | undefined
  /** When the first token (or, for `whole`, the end) is wanted, in milliseconds from now. Soft: it ends nothing. */
  readonly deadlineMs?: number | undefined
  readonly edge: TextEdgeOption
  /** The configured endpoints, in any order. Empty: no cloud. */
  readonly clouds: readonly TextCloudOption[]
  /** There are endpoints, but their operators closed them all, and `clouds` is empty. Default false. */
  readonly cloudClosed?: boolean | undefined
  /** The request must not run twice: no race. Default false. */
  readonly once?: boolean | undefined
  /**
   * The other arm may go on with an answer that has begun (`handover` is not `never`, and it knows how). Then tokens that
   * come slowly cost no more than a move. Default false.
   */
  readonly mayMove?: boolean | undefined
}

/** What `explain` shows of one arm. */
export interface TextArmPrediction extends ArmRef {
  /** From the request's start, in milliseconds. */
  readonly firstToken: Prediction
  readonly tokensPerSecond: number
  /** From the request's start to the answer's end, if it has as many tokens as expected. */
  readonly end: Prediction
  /** False: nothing was measured there, and these are assumptions. */
  readonly isMeasured: boolean
  /** What the whole text costs there beside its time, if the answer has as many tokens as expected. */
  readonly price: ArmPrice
}

/** The second run of a race for the first token, started unless a token has come by then. */
export interface TextSecondRun extends ArmRef {
  /** Milliseconds after the first run's start; 0 starts both together. */
  readonly afterMs: number
}

/** How an answer is to be begun. */
export interface TextPlan extends ArmRef {
  readonly model: string
  readonly objective: TextObjective
  readonly reason: RouteReason
  /** Take these in order when a run fails with an error that may fall over. */
  readonly fallbacks: readonly ArmRef[]
  readonly second?: TextSecondRun
  /**
   * Should the first run fail before a token, the same arm is asked once more (after its `Retry-After`, or with a new
   * worker) before the fall-backs, and the second run keeps its time: the others are predicted to take far longer.
   */
  readonly retries: boolean
  /** The edge first, then each endpoint, where something is predicted. */
  readonly arms: readonly TextArmPrediction[]
  /** Tokens that the answer is expected to have. */
  readonly answerTokens: number
}

/** Why no arm can write a text. The list is closed; `explainText` has the sentences. */
export type NoTextReason = NoArmReason | 'text-too-long' | 'text-beyond-memory' | 'text-lacks'

export interface NoTextRoute {
  readonly arm: undefined
  readonly reason: NoTextReason
  readonly arms: readonly TextArmPrediction[]
}

export type TextDecision = TextPlan | NoTextRoute

/** How one run of a plan ended. */
export interface TextRunEnd extends ArmRef {
  /**
   * `answered`: it wrote the answer, or its part until a voluntary move. `failed`: the arm was at fault, by an error or by a
   * stall. `lost`: the other run's first token came first, and this one was aborted. `abandoned`: no evidence about the
   * arm (aborted by the user, or the request was itself at fault).
   */
  readonly result: 'answered' | 'failed' | 'lost' | 'abandoned'
  /** Tokens of prompt and answer that it has read and written; what it costs. An endpoint reads the whole prompt. */
  readonly tokens: number
  /** Of these: written. They may have another price. Default 0. */
  readonly answerTokens?: number | undefined
}

/** Decides where answers begin, and keeps what races cost within their budgets. Its own state apart, it is pure. */
export interface TextRouter {
  /** Plans a request, and reserves what a race may cost. */
  decide(snapshot: TextSnapshot): TextDecision
  /** The plan that `decide` would make, without its effects. */
  peek(snapshot: TextSnapshot): TextDecision
  /** Once for each run that was started, when it ends. */
  observe(plan: TextPlan, end: TextRunEnd): void
  /** Once, when the request has ended, however it ended. What was reserved and not used goes back. */
  settle(plan: TextPlan): void
  /** May a hand-over go to this arm? False while its breaker is open. */
  allows(ref: ArmRef): boolean
  /** Budgets and counts as plain JSON, to be stored. Breakers are left out: they are short-lived. */
  snapshot(): unknown
  /** Continues from a stored snapshot. Invalid data is ignored. */
  restore(snapshot: unknown): void
}

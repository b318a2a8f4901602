import type { Backend } from '../../contracts/model-state.ts'
import type { ReportMode } from '../../contracts/report-mode.ts'
import type { Privacy } from '../../contracts/route.ts'
import type { SimulatedNetwork } from '../../network/simulated-network.ts'

/** What an endpoint asks for the tokens of texts, in the unit of `Budgets.moneyPerHour`. */
export interface TokenMoney {
  /** For a million tokens of prompts. Default 0. */
  readonly promptPerMillion?: number
  /** For a million tokens of answers. Default 0. */
  readonly answerPerMillion?: number
}

/** What tokens of texts cost: counted in `moneyPerHour` and `energyJPerHour`, and in what races may waste. */
export interface TokenPrices {
  /** At endpoints that name no price of their own (`EndpointOptions.moneyPerToken`). */
  readonly cloud?: TokenMoney
  /** Joules that this device takes for a token of the prompt, and of the answer. Default: estimated from their times. */
  readonly edge?: { readonly promptJ?: number; readonly answerJ?: number }
}

/** What requests may spend together; where one comes near its limit, the arm that spends less of it is preferred. */
export interface Budgets {
  /** In the unit of `EndpointOptions.moneyPer1000`. */
  readonly moneyPerHour?: number
  /** Joules that runs here and the radio take, estimated from their times. */
  readonly energyJPerHour?: number
  /** What tokens of texts cost. */
  readonly tokenPrices?: TokenPrices
  /** Bytes of requests, answers and downloads. */
  readonly dataBytesPerHour?: number
  /** Second runs on this device that may be wasted, as a share of the requests; of texts, their tokens by what they cost. Default: tuned, see docs/routing.md. */
  readonly wastedEdgeShare?: number
  /** Second runs at an endpoint that may be wasted, as a share of the requests. */
  readonly wastedCloudShare?: number
}

/** Defaults for every request; a request's own options come first. */
export interface Policy {
  /** Where requests may run. Default `any`. */
  readonly privacy?: Privacy
  /**
   * When an answer is wanted, in milliseconds from the call. It steers the route and ends nothing: a later answer is
   * still given, and its record says that it was late. Default: as soon as can be.
   */
  readonly deadlineMs?: number
  /** Time a request may take, in milliseconds; after it `run` rejects with `deadline-exceeded`. Default: none. */
  readonly timeoutMs?: number
}

/** The client's policy: defaults for requests, and what all of them together may spend. */
export interface ClientPolicy extends Policy {
  readonly budgets?: Budgets
}

export interface EndpointOptions {
  /** Base address: of a server that speaks the Open Inference Protocol v2, without the `/v2`; of OpenAI's API, as its maker gives it. */
  readonly url: string | URL
  /**
   * `openai`: a stock server with OpenAI's API (vLLM, llama.cpp, Ollama, …), asked for texts only. Default: a Hither
   * endpoint or another server of the Open Inference Protocol, which is asked for texts where it has that API, too.
   */
  readonly kind?: 'openai'
  /** Sent with every request for text. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * What the server calls models that write, by their names here. Default: the same. `isOther`: it is another model, which
   * begins answers, but goes on with this one's only where a request has `handover: 'any'`.
   */
  readonly models?: Readonly<Record<string, string | { readonly id: string; readonly isOther?: boolean }>>
  /**
   * May a few tokens be spent, once for a model, to find out how the server goes on with a half-written answer? Default:
   * yes, but not of services that charge for tokens.
   */
  readonly probe?: boolean
  /** Asked for a bearer token before a request that needs one; kept in memory only. */
  readonly token?: () => string | Promise<string>
  /** Where it is, for people: shown in a route's record. */
  readonly region?: string
  /** Money for 1,000 requests, for `policy.budgets`. Default 0. */
  readonly moneyPer1000?: number
  /** Money for the tokens of texts, beside that. Default: `policy.budgets.tokenPrices.cloud`. */
  readonly moneyPerToken?: TokenMoney
  /**
   * Seals inputs and outputs to the endpoint's published key, so that proxies and logs on the way see nothing of them.
   * This project's endpoint only. It is asked for no texts then: streams can't be sealed. Default false. `keys` has them come from elsewhere, such as the site's own backend:
   * what `/.well-known/hither-keys` answers, as parsed JSON.
   */
  readonly sealed?: boolean | { readonly keys: () => Promise<unknown> }
  /** Gives the W3C `traceparent` that a request is part of; an endpoint of another origin must allow that header. */
  readonly traceparent?: () => string | undefined
}

export interface RuntimeOptions {
  /** Backends that may be used. Default: all that this browser has; which one runs is decided by measuring. */
  readonly backends?: readonly Backend[]
  /** WASM threads. Default: what this browser allows and the processor has, at most 4; 1 where the page is not cross-origin isolated. */
  readonly threads?: number
  /** Memory that loaded models may take together, in bytes; the least recently used ones make room. Default: half of the device's, at most 4 GiB. */
  readonly memoryBytes?: number
  /** Tabs of this origin that ask for the same runtime share one engine, and a model is in memory once. Default true. */
  readonly shareTabs?: boolean
}

/** What to pretend, to see what would happen. Nothing that is learned meanwhile is kept, and nothing is reported. */
export interface SimulationOptions {
  /** No network, or a slower one; for the endpoints, the catalogue and models. */
  readonly network?: SimulatedNetwork
  /** Runs on this device take this many times as long. 1 or more. */
  readonly slowdown?: number
}

/** How models are downloaded and kept. */
export interface StorageOptions {
  /** Bytes that stored models may take together; the least recently used ones that are not pinned make room. Default: what the browser gives. */
  readonly budgetBytes?: number
  /** Encrypts stored models with a key that cannot leave this browser. What that protects from: docs/model-store.md. Default false. */
  readonly encrypt?: boolean
  /** Downloads ahead of need also where the person asked the browser to save data. Default false. */
  readonly downloadOnMetered?: boolean
  /**
   * Fetches a newer revision of a model beside the one that serves, after a request was answered; it serves once it is
   * verified and its canary answered. Not while the browser saves data. Default true.
   */
  readonly autoUpdate?: boolean
  /** Parts of one file fetched at a time, where the server has ranges. Default 4. */
  readonly connections?: number
  /** From a request to its answer, in milliseconds. Default 15,000. */
  readonly firstByteMs?: number
  /** Between two pieces of an answer, in milliseconds. Default 15,000. */
  readonly idleMs?: number
  /** For a whole file, in milliseconds. Default: no limit. */
  readonly totalMs?: number
  /** Bearer tokens for servers of models, by origin; each goes to that origin only, and is kept in memory only. */
  readonly tokens?: Readonly<Record<string, string | (() => string | Promise<string>)>>
}

export interface ClientOptions {
  /** Address of the catalogue, resolved against the page. Default `/models/catalog.json`. */
  readonly catalog?: string | URL
  /** The cloud arm, or several: each request may go to any of them. Without one every request runs at the edge. */
  readonly endpoint?: EndpointOptions | readonly EndpointOptions[]
  readonly policy?: ClientPolicy
  readonly runtime?: RuntimeOptions
  readonly storage?: StorageOptions
  /**
   * What is reported to the endpoint of requests: their route records (`routes`, the default), the answers too (`results`), or
   * nothing (`none`). Inputs never, and of `edge-only` requests only how many there were.
   */
  readonly report?: ReportMode
  /** Save data, also where the browser was not asked to. Default false. */
  readonly saveData?: boolean
  readonly simulate?: SimulationOptions
}

import type { SpanExporter } from '@opentelemetry/sdk-trace-node'
import type { InferEngine } from '../engine/infer-engine.ts'
import type { TrustProxy } from '../http/trusted-proxies.ts'
import type { LoggerOptions } from '../observability/logger.ts'
import type { RateLimitOptions } from '../security/rate-limits.ts'
import type { TokenOptions } from '../security/verify-token.ts'
import type { EndpointPlugin } from './endpoint-plugin.ts'

export interface EndpointOptions {
  /**
   * Folder of `catalog.json`, or of `<name>/<revision>/manifest.json` without one. Its files are served below
   * `/models/`, and its models are run here unless an `engine` is given.
   */
  readonly modelsDir?: string
  /** What runs the models instead of threads of this process. It is closed with the endpoint. */
  readonly engine?: InferEngine
  /** Threads that run models. Default: one less than there are cores, at least one. */
  readonly workers?: number
  /** Requests of one model that may wait for a thread. Default: 64 for each thread. */
  readonly maxQueue?: number
  /** Milliseconds after which a run is given up. Default 30,000. */
  readonly runLimitMs?: number
  /** The compiled thread script. Default: beside this file. */
  readonly workerUrl?: URL
  /** The compiled script of the threads that write. Default: beside this file. */
  readonly writingWorkerUrl?: URL
  /**
   * Bytes that keys and values of texts may take: half for texts that are being written, half for those that were, which
   * later requests may go on from. Default 1 GiB.
   */
  readonly textCacheBytes?: number

  /** Origins whose pages may use this endpoint, like `https://www.example.com`. Default: only its own. */
  readonly allowOrigins?: readonly string[]
  /** How access tokens are checked. Default: none are asked for. */
  readonly tokens?: TokenOptions
  /** Requests that one client may send; those beyond are answered with 429. Default: no limit. */
  readonly rateLimit?: RateLimitOptions
  /** May models be loaded and unloaded without a token, at an endpoint that asks for none? Default false. */
  readonly openRepository?: boolean
  /**
   * Secret of 32 bytes or more that the keys for sealed requests follow from: endpoints that share it open each
   * other's. Default: a random one, which ends with the process.
   */
  readonly sealingSeed?: Uint8Array<ArrayBuffer>
  /** Largest request, unpacked. Default 64 MiB. */
  readonly bodyLimitBytes?: number
  /** Memory that all requests together may take while they arrive. Default 512 MiB. */
  readonly bodyBudgetBytes?: number
  /**
   * Take a client's address from `X-Forwarded-For`, where this stands behind proxies: their number (`true` is one), or
   * their networks, like `['10.0.0.0/8']`. The client's own entries before theirs are not believed. Default false.
   */
  readonly trustProxy?: TrustProxy
  /**
   * Host names that requests may be for, without a port; `*` for all. Default: `localhost` where it listens on a loopback
   * address, so that a page that points a name of its own there is not answered; else all. IP addresses always are.
   */
  readonly allowHosts?: readonly string[]
  /** Milliseconds that a request's headers, and the whole of it, may take to arrive. Default 15,000 and 120,000. */
  readonly arrivalLimitsMs?: { readonly headers: number; readonly request: number }

  /** Folder of a built app, served from `/`. Default: none. */
  readonly appDir?: string
  /** Origins that the served app may send requests to, beside this one and those that the models' manifests name for their files. */
  readonly connectTo?: readonly string[]
  /** Origins whose pages may embed the widget that comes with the app; `*` for all. Default: none. */
  readonly embedOn?: readonly string[]
  /** Routes beside those of the protocol. */
  readonly plugins?: readonly EndpointPlugin[]

  /** What is logged, as lines of JSON. Default: warnings and errors. Inputs, outputs and tokens never are. */
  readonly logger?: false | LoggerOptions
  /** Also tell `/metrics` of the process: its memory, its processor time. Default false. */
  readonly processMetrics?: boolean
  /** A port of its own for `/metrics`, without tokens. Default: the endpoint's, with the scope `metrics`. */
  readonly metricsPort?: number
  /** Send traces over OTLP, to where the environment's `OTEL_EXPORTER_OTLP_ENDPOINT` says, or to this. Default false. */
  readonly traces?: boolean | SpanExporter
}

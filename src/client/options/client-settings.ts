import { toBaseUrl } from '../../cloud/base-url.ts'
import type { ReportMode } from '../../contracts/report-mode.ts'
import { given } from '../../utils/given.ts'
import type {
  Budgets,
  ClientOptions,
  EndpointOptions,
  Policy,
  RuntimeOptions,
  SimulationOptions,
  StorageOptions,
} from '../types/client-options.ts'
import { parseClientOptions } from './parse-client-options.ts'
import { toUrl } from './to-url.ts'

/** A client's options, checked and with their defaults. */
export interface ClientSettings {
  /** Absolute. */
  readonly catalogUrl: string
  readonly endpoints: readonly EndpointOptions[]
  /** Where reports go: the first endpoint that is no stock server of texts, without a slash at its end. */
  readonly reportUrl: string | undefined
  readonly reportToken: EndpointOptions['token']
  /** Defaults for every request. */
  readonly policy: Policy
  readonly budgets: Budgets | undefined
  readonly runtime: RuntimeOptions
  readonly storage: StorageOptions
  readonly simulate: SimulationOptions | undefined
  readonly saveData: boolean
  readonly report: ReportMode
}

/** @throws {ConfigError} `config-invalid`: an option is not what it should be */
export function toClientSettings(options: ClientOptions): ClientSettings {
  const {
    catalog = '/models/catalog.json',
    endpoint = [],
    policy: { budgets, ...policy } = {},
    runtime = {},
    storage = {},
    saveData = false,
    simulate,
    report = 'routes',
  } = parseClientOptions(options)
  const endpoints = [endpoint].flat()
  const urls = endpoints.map(({ url }) => toBaseUrl(new URL(toUrl(url, 'endpoint.url'))))
  const reported = endpoints.findIndex(({ kind }) => kind === undefined)
  return {
    catalogUrl: toUrl(catalog, 'catalog'),
    endpoints,
    reportUrl: urls[reported],
    reportToken: endpoints[reported]?.token,
    policy,
    budgets,
    runtime,
    storage,
    simulate,
    saveData,
    // Nothing that is simulated is reported.
    report: simulate === undefined ? report : 'none',
  }
}

/** A request's policy: its own options, else the client's. A deadline defaults to the time-out. */
export function toRequestPolicy(defaults: Policy, own: Policy) {
  const { privacy = 'any', timeoutMs, deadlineMs = timeoutMs } = { ...defaults, ...given(own) }
  return { privacy, timeoutMs, deadlineMs }
}

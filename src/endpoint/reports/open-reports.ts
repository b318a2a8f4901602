import { ConfigError } from '../../errors/config-error.ts'
import { checkSwitches } from '../plugin/check-options.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'
import { openReportStore } from './report-store.ts'
import { createReportsPlugin } from './reports-plugin.ts'

export interface ReportsOptions {
  /** Folder of an embedded SQLite database, made if it is not there. For one endpoint. */
  readonly dataDir?: string | undefined
  /** `postgres://…`: for several endpoints that share one. */
  readonly url?: string | undefined
  /** Days that reports are kept one by one; counts by the hour stay. Default 90, at least 61. */
  readonly keepDays?: number | undefined
  /** May anyone look at `/ops`, where the endpoint knows no tokens? With tokens, one with the scope `ops` may. Default false. */
  readonly openOps?: boolean | undefined
}

/** An outbox gives a report up after 60 days: until then it may come again, and must be known. */
const leastKeepDays = 61

/**
 * What makes an endpoint or a gateway take reports of devices, keep them, tell devices notices, and show operators what
 * came.
 *
 * @example
 * ```ts
 * const endpoint = await createEndpoint({ modelsDir: 'models', plugins: [await openReports({ dataDir: 'data' })] })
 * ```
 *
 * @throws {ConfigError} `config-invalid`: an option can't be used, the database can't be reached, or its schema is newer
 *   than this program
 */
export async function openReports(options: ReportsOptions): Promise<EndpointPlugin> {
  const { keepDays, openOps, dataDir, url, ...strange } = options
  const where = { dataDir, url }
  const [name] = Object.keys(strange)
  if (name !== undefined) throw new ConfigError('config-invalid', `There is no option ${name} of openReports.`)
  checkSwitches({ openOps })
  if (keepDays !== undefined && !(Number.isFinite(keepDays) && keepDays >= leastKeepDays)) {
    throw new ConfigError('config-invalid', `keepDays must be a number from ${leastKeepDays} on, not ${keepDays}.`)
  }
  const store = await openReportStore(where)
  return createReportsPlugin({ store, openOps, keepMs: keepDays === undefined ? undefined : keepDays * 86_400_000 })
}

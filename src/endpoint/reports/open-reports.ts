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

/**
 * What makes an endpoint or a gateway take reports of devices, keep them, tell devices notices, and show operators what
 * came.
 *
 * @example
 * ```ts
 * const endpoint = await createEndpoint({ modelsDir: 'models', plugins: [await openReports({ dataDir: 'data' })] })
 * ```
 *
 * @throws {ConfigError} `config-invalid`: the database can't be reached, or its schema is newer than this program
 */
export async function openReports({ keepDays, openOps, ...where }: ReportsOptions): Promise<EndpointPlugin> {
  const store = await openReportStore(where)
  return createReportsPlugin({ store, openOps, keepMs: keepDays === undefined ? undefined : keepDays * 86_400_000 })
}

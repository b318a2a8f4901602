import { ConfigError } from '../../errors/config-error.ts'
import type { ReportsOptions } from '../reports/open-reports.ts'
import { toWhole } from './to-whole.ts'

/** Flags of `hither serve` that say where reports are kept. */
export const reportFlags = {
  data: { type: 'string' },
  'keep-days': { type: 'string' },
  'open-ops': { type: 'boolean' },
} as const

export const reportHelp = `  --data DIR           take devices' reports, and keep them in a database in DIR (default:
                       the PostgreSQL that DATABASE_URL names; without either, none are taken)
  --keep-days N        days that reports are kept one by one, 61 or more (default: 90)
  --open-ops           let anyone look at /ops, where no tokens are asked for
`

interface Values {
  readonly data?: string | undefined
  readonly 'keep-days'?: string | undefined
  readonly 'open-ops'?: boolean | undefined
}

/**
 * Where reports go; undefined where none are taken. A flag comes before the environment.
 *
 * @throws {ConfigError} `config-invalid`
 */
export function parseReportFlags(
  values: Values,
  env: { readonly DATABASE_URL?: string | undefined },
): ReportsOptions | undefined {
  const keepDays =
    values['keep-days'] === undefined ? {} : { keepDays: toWhole('--keep-days', values['keep-days'], 61, 36_500) }
  const how = { ...keepDays, ...(values['open-ops'] === true ? { openOps: true } : {}) }
  if (values.data !== undefined) return { dataDir: values.data, ...how }
  if (env.DATABASE_URL !== undefined && env.DATABASE_URL !== '') return { url: env.DATABASE_URL, ...how }
  if (Object.keys(how).length === 0) return undefined
  throw new ConfigError(
    'config-invalid',
    '--keep-days and --open-ops are for reports: say where these are kept, with --data or DATABASE_URL.',
  )
}

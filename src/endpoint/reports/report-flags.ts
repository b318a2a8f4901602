import { toWhole } from '../to-whole.ts'
import type { ReportsOptions } from './open-reports.ts'

/** Flags of `hither serve` that say where reports are kept. */
export const reportFlags = {
  data: { type: 'string' },
  'keep-days': { type: 'string' },
} as const

export const reportHelp = `  --data DIR           take devices' reports, and keep them in a database in DIR (default:
                       the PostgreSQL that DATABASE_URL names; without either, none are taken)
  --keep-days N        days that reports are kept one by one, 61 or more (default: 90)
`

type Values = { readonly [K in keyof typeof reportFlags]?: string | undefined }

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
  if (values.data !== undefined) return { dataDir: values.data, ...keepDays }
  if (env.DATABASE_URL !== undefined && env.DATABASE_URL !== '') return { url: env.DATABASE_URL, ...keepDays }
  return undefined
}

import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { type NoticeBody, newNoticeSchema } from '../../contracts/notice.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { parseReportFlags } from './report-flags.ts'
import { toWhole } from './to-whole.ts'

export const noticeHelp = `  --withdraw NAME[@REVISION]  devices must not run this model, or this revision of it
  --close URL          devices must not ask the endpoint at this address
  --message TEXT       a sentence for people
  --why TEXT           the reason, for people; with --withdraw and --close
  --hours N            take it back after N hours (default: it holds until it is removed)
  --remove ID          take a notice back
  --data DIR           the endpoint's database (default: the one that DATABASE_URL names)
`

interface Environment {
  readonly DATABASE_URL?: string | undefined
}

/**
 * `hither notice`: tells devices something, takes it back, or lists what holds.
 *
 * @param options.lockWaitMs milliseconds to wait for another process that writes: an endpoint does so in short turns
 * @returns what to print
 * @throws {ConfigError} `config-invalid`, with a sentence for whoever typed it
 * @throws {CloudError} `cloud-overloaded`: another program kept writing to the database
 */
export async function changeNotices(
  args: readonly string[],
  env: Environment,
  nowMs = Date.now(),
  { lockWaitMs = 15_000 }: { readonly lockWaitMs?: number } = {},
): Promise<string> {
  const { where, body, untilMs, remove } = parse(args, env, nowMs)
  const [{ openReportDatabase }, notices] = await Promise.all([
    import('../reports/database.ts'),
    import('../reports/notices.ts'),
  ])
  const database = await openReportDatabase({ ...where, lockWaitMs })
  try {
    if (remove !== undefined && !(await notices.removeNotice(database, remove))) {
      throw new ConfigError('config-invalid', `There is no notice ${remove}.`)
    }
    if (body !== undefined) await notices.addNotice(database, { body, ...untilMs }, nowMs)
    const lines = (await notices.currentNotices(database, nowMs)).map((notice) => JSON.stringify(notice))
    return lines.length === 0 ? 'No notice holds.' : lines.join('\n')
  } catch (cause) {
    if (isHitherError(cause)) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError('config-invalid', `The database can't be used: ${why}`, { cause })
  } finally {
    await database.destroy()
  }
}

function parse(args: readonly string[], env: Environment, nowMs: number) {
  const text = { type: 'string' } as const
  const names = ['withdraw', 'close', 'message', 'why', 'hours', 'remove', 'data'] as const
  const options = Object.fromEntries(names.map((name) => [name, text]))
  let values: { readonly [K in (typeof names)[number]]?: string }
  try {
    values = parseArgs({ args: [...args], options }).values as typeof values
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? '') : String(cause)
    throw new ConfigError('config-invalid', `${message.replace(/\.$/, '')}.`)
  }
  const where = parseReportFlags({ data: values.data }, env)
  if (where === undefined) throw new ConfigError('config-invalid', 'Say which database: --data DIR, or DATABASE_URL.')
  const bodies = [toWithdrawal(values), toClosing(values), toMessage(values)].filter((body) => body !== undefined)
  if (bodies.length + (values.remove === undefined ? 0 : 1) > 1) {
    throw new ConfigError('config-invalid', 'Give one of --withdraw, --close, --message and --remove at a time.')
  }
  const untilMs =
    values.hours === undefined ? {} : { untilMs: nowMs + toWhole('--hours', values.hours, 1, 87_600) * 3_600_000 }
  return { where, body: checked(bodies[0]), untilMs, remove: values.remove }
}

function checked(body: unknown): NoticeBody | undefined {
  if (body === undefined) return undefined
  const parsed = v.safeParse(newNoticeSchema, { body })
  if (parsed.success) return parsed.output.body
  const [issue] = parsed.issues
  throw new ConfigError('config-invalid', `This is no notice: ${issue.message}.`)
}

const reasonOf = ({ why }: { readonly why?: string }) => (why === undefined ? {} : { why })

function toWithdrawal(values: { readonly withdraw?: string; readonly why?: string }) {
  if (values.withdraw === undefined) return undefined
  const at = values.withdraw.indexOf('@')
  const model = at < 0 ? values.withdraw : values.withdraw.slice(0, at)
  const revision = at < 0 ? {} : { revision: values.withdraw.slice(at + 1) }
  return { kind: 'model-withdrawn', model, ...revision, ...reasonOf(values) }
}

const toClosing = (values: { readonly close?: string; readonly why?: string }) =>
  values.close === undefined ? undefined : { kind: 'region-down', url: values.close, ...reasonOf(values) }

const toMessage = ({ message }: { readonly message?: string }) =>
  message === undefined ? undefined : { kind: 'message', text: message }

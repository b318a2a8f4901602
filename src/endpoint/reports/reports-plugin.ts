import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { newNoticeSchema, noticesPath } from '../../contracts/notice.ts'
import { reportsPath } from '../../contracts/report.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { readJsonHead } from '../../protocol/json/read-json-head.ts'
import { within } from '../../utils/within.ts'
import { withoutNulls } from '../../utils/without-nulls.ts'
import { httpError } from '../http/http-error.ts'
import { createBodyBudget, readRequestBody } from '../http/request-body.ts'
import type { EndpointPlugin } from '../plugin/endpoint-plugin.ts'
import { opsScope } from '../security/scopes.ts'
import { addOpsPage } from './ops-page.ts'
import { addOpsRoutes } from './ops-routes.ts'
import type { ReportStore } from './report-store.ts'

interface JsonBody {
  /** Not parsed. */
  Body: Buffer<ArrayBuffer> | undefined
}

export interface ReportsPluginOptions {
  /** Closed with the endpoint. */
  readonly store: ReportStore
  /** How long reports are kept one by one, in milliseconds. Default 90 days, and never less than an outbox may hold them back. */
  readonly keepMs?: number | undefined
  /** May anyone look at what was reported, where the endpoint knows no tokens? Default false. */
  readonly openOps?: boolean | undefined
  /** Milliseconds that the database may take for one request; then it is answered that nothing was kept. Default 10,000. */
  readonly limitMs?: number | undefined
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const dayMs = 86_400_000
/** An outbox gives a report up after 60 days: until then it may come again, and must be known. */
const leastKeepMs = 61 * dayMs
const pruneEveryMs = 3_600_000
/** A device sends at most 48 kB at once; a page that is being closed 60 KiB. */
const bodyLimitBytes = 1024 * 1024
const budgetBytes = 64 * 1024 * 1024

/**
 * The intake: `POST /hither/v1/reports`; what operators tell devices: `/hither/v1/notices`; and what they see: `/ops`.
 */
export function createReportsPlugin(options: ReportsPluginOptions): EndpointPlugin {
  const { store, keepMs = 90 * dayMs, openOps = false, limitMs = 10_000, now = Date.now } = options
  return {
    name: 'reports',
    async register(app, context) {
      const { access, engine, limits } = context
      /** A database that fails is no fault of the reports: they are sent again. What it says may hold what they held. */
      const inDatabase = async <T>(work: Promise<T>): Promise<T> => {
        try {
          return await within(work, limitMs, () => new Error('the database did not answer in time'))
        } catch (error) {
          if (isHitherError(error)) throw error
          app.log.error({ code: codeOf(error) }, 'The database for reports failed.')
          throw new CloudError('cloud-overloaded', 'The reports can not be kept now; send them again later.', {
            context: { status: 503, retryAfterMs: 5_000 },
          })
        }
      }
      const budget = createBodyBudget(budgetBytes)
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('application/json', ({ headers }: FastifyRequest, payload: IncomingMessage) =>
        readRequestBody(headers, payload, { limitBytes: bodyLimitBytes, budget }),
      )
      app.addHook('onRequest', limits.perAddress)
      const anyToken = [access.requires(undefined, { unguarded: 'open' }), limits.perToken]
      const operator = access.requires(opsScope)
      const fresh = (reply: FastifyReply) => reply.header('Cache-Control', 'no-store')

      app.post<JsonBody>(reportsPath, { onRequest: anyToken }, async ({ body }, reply) => {
        const served = (await engine.models().catch(() => [])).map(({ name }) => name)
        return fresh(reply).send(await inDatabase(store.take(body ?? new Uint8Array(), served, now())))
      })
      app.get(noticesPath, { onRequest: anyToken }, async (_, reply) =>
        fresh(reply).send({ notices: await inDatabase(store.currentNotices(now())) }),
      )
      app.post<JsonBody>(noticesPath, { onRequest: operator }, async ({ body }, reply) => {
        const given = withoutNulls(readNotice(body))
        const notice = parse(newNoticeSchema, given, 'This is no notice')
        return fresh(reply)
          .code(201)
          .send(await inDatabase(store.addNotice(notice, now())))
      })
      app.delete<{ Params: { id: string } }>(`${noticesPath}/:id`, { onRequest: operator }, async (request, reply) => {
        const { id } = request.params
        // PostgreSQL would refuse to look for it.
        const wasThere = !id.includes('\0') && (await inDatabase(store.removeNotice(id)))
        if (wasThere) return reply.code(204).send()
        return fresh(reply).code(404).send({ error: 'There is no such notice.' })
      })

      addOpsRoutes(app, context, { store, inDatabase, open: openOps, now })
      await app.register((page) => addOpsPage(page))

      const prune = () =>
        store.removeOld(now(), Math.max(keepMs, leastKeepMs)).catch((error: unknown) => {
          app.log.error({ code: codeOf(error) }, 'Old reports could not be removed.')
        })
      const timer = setInterval(prune, pruneEveryMs)
      timer.unref()
      app.addHook('onReady', async () => void prune())
      app.addHook('onClose', async () => {
        clearInterval(timer)
        await store.close()
      })
    },
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown'

/** A notice is some sentences. */
const maxNoticeBytes = 64 * 1024

function readNotice(body: Buffer<ArrayBuffer> | undefined): unknown {
  if (body === undefined || body.length === 0) throw new ValidationError('options-invalid', 'The body is no JSON.')
  if (body.length > maxNoticeBytes) throw httpError(413, 'The notice is larger than this endpoint takes.')
  return readJsonHead(body, body.length).json
}

function parse<S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const where = issue === undefined ? undefined : v.getDotPath(issue)
  // Valibot's sentence quotes what it received: that stays out of answers and logs.
  throw new ValidationError('options-invalid', `${what}: look at ${where ?? 'the body'}.`)
}

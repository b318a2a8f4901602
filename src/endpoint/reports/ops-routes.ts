import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { opsPath } from '../../contracts/ops.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'
import { opsScope } from '../security/scopes.ts'
import type { Database } from './database.ts'
import { readOverview } from './overview.ts'
import { toOverviewCsv } from './overview-csv.ts'
import { periodHours, periodOf } from './period.ts'

const querySchema = v.object({
  hours: v.optional(
    v.pipe(
      v.string(),
      v.transform(Number),
      v.check((hours) => periodHours.includes(hours), 'no such period'),
    ),
    '24',
  ),
  model: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(200))),
})

/** What operators see: `GET /hither/v1/ops/overview`, as JSON and as `overview.csv`. */
export function addOpsRoutes(
  app: FastifyInstance,
  { access, engine, limits }: PluginContext,
  options: {
    readonly database: Database
    readonly inDatabase: <T>(work: Promise<T>) => Promise<T>
    /** May anyone look, where the endpoint knows no tokens? */
    readonly open: boolean
    readonly now: () => number
  },
): void {
  const { database, inDatabase, open, now } = options
  const onRequest = [access.requires(opsScope, { unguarded: open ? 'open' : 'closed' }), limits.perToken]
  const read = async ({ query }: FastifyRequest) => {
    const parsed = v.safeParse(querySchema, query)
    if (!parsed.success) {
      throw new ValidationError('options-invalid', `hours must be one of ${periodHours.join(', ')}; model is a name.`)
    }
    const { hours, model } = parsed.output
    const capacity = await engine.capacity().catch(() => undefined)
    return inDatabase(readOverview(database, periodOf(hours, now()), { model, capacity }))
  }
  app.get(`${opsPath}/overview`, { onRequest }, async (request, reply) =>
    reply.header('Cache-Control', 'no-store').send(await read(request)),
  )
  app.get(`${opsPath}/overview.csv`, { onRequest }, async (request, reply) =>
    reply
      .header('Cache-Control', 'no-store')
      .header('Content-Disposition', 'attachment; filename="hither.csv"')
      .type('text/csv; charset=utf-8')
      .send(toOverviewCsv(await read(request))),
  )
}

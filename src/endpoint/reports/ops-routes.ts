import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { opsPath } from '../../contracts/ops.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'
import { opsScope } from '../security/scopes.ts'
import { periodHours, periodOf } from './period.ts'
import type { ReportStore } from './report-store.ts'

const querySchema = v.object({
  hours: v.optional(
    v.pipe(
      v.string(),
      v.transform(Number),
      v.check((hours) => periodHours.includes(hours), 'no such period'),
    ),
    '24',
  ),
  model: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(200),
      v.check((name) => !name.includes('\0'), 'a name can not hold a NUL'),
    ),
  ),
})

/** What operators see: `GET /hither/v1/ops/overview`, as JSON and as `overview.csv`. */
export function addOpsRoutes(
  app: FastifyInstance,
  { access, engine, limits }: PluginContext,
  options: {
    readonly store: ReportStore
    readonly inDatabase: <T>(work: Promise<T>) => Promise<T>
    /** May anyone look, where the endpoint knows no tokens? */
    readonly open: boolean
    readonly now: () => number
  },
): void {
  const { store, inDatabase, open, now } = options
  const onRequest = [access.requires(opsScope, { unguarded: open ? 'open' : 'closed' }), limits.perToken]
  const read = async ({ query }: FastifyRequest, form: 'json' | 'csv') => {
    const parsed = v.safeParse(querySchema, query)
    if (!parsed.success) {
      throw new ValidationError('options-invalid', `hours must be one of ${periodHours.join(', ')}; model is a name.`)
    }
    const { hours, model } = parsed.output
    const capacity = await engine.capacity().catch(() => undefined)
    return Buffer.from(await inDatabase(store.overview(periodOf(hours, now()), { model, capacity }, form)))
  }
  app.get(`${opsPath}/overview`, { onRequest }, async (request, reply) =>
    reply
      .header('Cache-Control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(await read(request, 'json')),
  )
  app.get(`${opsPath}/overview.csv`, { onRequest }, async (request, reply) =>
    reply
      .header('Cache-Control', 'no-store')
      .header('Content-Disposition', 'attachment; filename="hither.csv"')
      .type('text/csv; charset=utf-8')
      .send(await read(request, 'csv')),
  )
}

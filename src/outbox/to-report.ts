import { type FailureReport, maxAnswerChars, type Report } from '../contracts/report.ts'
import type { ReportMode } from '../contracts/report-mode.ts'
import type { Privacy, RouteRecord } from '../contracts/route.ts'
import type { HitherError } from '../errors/hither-error.ts'
import type { NoArmError } from '../errors/no-arm-error.ts'
import { toJson } from '../utils/to-json.ts'

/** What becomes of a request in the outbox: a report, a number, or nothing. */
export type Reportable =
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'count'; readonly outcome: 'answered' | 'failed' }
  | { readonly kind: 'nothing' }

export interface ReportContext {
  readonly mode: ReportMode
  readonly privacy: Privacy
  /** The graphics adapter's name. */
  readonly adapter?: string | undefined
}

const attemptsOf = ({ attempts }: Pick<RouteRecord, 'attempts'>) =>
  attempts
    .slice(0, 8)
    .map(({ arm, ms, error }) => ({ arm, ms: atLeastZero(ms), ...(error === undefined ? {} : { error }) }))

const atLeastZero = (ms: number) => (Number.isFinite(ms) && ms > 0 ? Math.min(ms, 1e9) : 0)
/** A time of day is not a span: it is bounded by the schema's own limit alone. */
const sinceEpoch = (ms: number) => (Number.isFinite(ms) && ms > 0 ? Math.min(ms, 1e14) : 0)
const optionalMs = <K extends string>(key: K, ms: number | undefined) =>
  ms === undefined || !Number.isFinite(ms) ? {} : ({ [key]: atLeastZero(ms) } as Record<K, number>)

const countOf = (count: number) => (Number.isFinite(count) && count > 0 ? Math.min(Math.round(count), 1e6) : 0)
const writingOf = ({ tokens, tokenMs, moves, wastedTokens }: NonNullable<RouteRecord['writing']>) => ({
  tokens: countOf(tokens),
  ...optionalMs('tokenMs', tokenMs),
  moves: moves.length,
  ...(wastedTokens === undefined ? {} : { wastedTokens: countOf(wastedTokens) }),
})

/**
 * The report of an answered request. Field by field: what is not named here does not leave the device. Of a request
 * that had to stay on it, only that there was one.
 */
export function reportOfRoute(route: RouteRecord, answer: unknown, context: ReportContext): Reportable {
  if (context.mode === 'none') return { kind: 'nothing' }
  if (context.privacy === 'edge-only') return { kind: 'count', outcome: 'answered' }
  const json = context.mode === 'results' && answer !== undefined ? toJson(answer) : undefined
  return {
    kind: 'report',
    report: {
      kind: 'route',
      id: route.id,
      atMs: sinceEpoch(route.startedAtMs),
      model: route.model,
      revision: route.revision,
      ...(route.backend === undefined ? {} : { backend: route.backend }),
      ...(route.backend === 'webgpu' && context.adapter ? { adapter: context.adapter.slice(0, 200) } : {}),
      ran: route.ran,
      reason: route.reason,
      actualMs: atLeastZero(route.actualMs),
      ...optionalMs('predictedEdgeMs', route.predicted.edge?.meanMs),
      ...optionalMs('predictedCloudMs', route.predicted.cloud?.meanMs),
      ...optionalMs('queueMs', route.parts.queueMs),
      ...optionalMs('computeMs', route.parts.computeMs),
      ...(route.attempts.length === 0 ? {} : { attempts: attemptsOf(route) }),
      ...(route.writing === undefined ? {} : { writing: writingOf(route.writing) }),
      ...(json === undefined || json.length > maxAnswerChars ? {} : { answer: json }),
    },
  }
}

/** The report of a request that no arm answered: its code and where it failed, never its message or its content. */
export function reportOfFailure(
  error: HitherError,
  about: {
    readonly id: string
    readonly model: string
    readonly revision?: string | undefined
    readonly backend?: FailureReport['backend']
    readonly startedAtMs: number
    readonly actualMs: number
  },
  context: ReportContext,
): Reportable {
  if (context.mode === 'none') return { kind: 'nothing' }
  if (context.privacy === 'edge-only') return { kind: 'count', outcome: 'failed' }
  const attempts = error.name === 'NoArmError' ? (error as NoArmError).attempts : [error]
  const last = attempts.at(-1) ?? error
  const arm = armOf(last)
  return {
    kind: 'report',
    report: {
      kind: 'failure',
      id: about.id,
      atMs: sinceEpoch(about.startedAtMs),
      model: about.model.slice(0, 200),
      ...(about.revision === undefined ? {} : { revision: about.revision }),
      ...(about.backend === undefined ? {} : { backend: about.backend }),
      ...(about.backend === 'webgpu' && context.adapter ? { adapter: context.adapter.slice(0, 200) } : {}),
      ...(arm === undefined ? {} : { arm }),
      code: last.code,
      actualMs: atLeastZero(about.actualMs),
      attempts: attempts.slice(0, 8).flatMap((attempt) => {
        const tried = armOf(attempt)
        return tried === undefined ? [] : [{ arm: tried, ms: 0, error: attempt.code }]
      }),
    },
  }
}

/** The arm whose fault an error is. */
const armOf = ({ name }: { readonly name: string }): 'edge' | 'cloud' | undefined =>
  name === 'CloudError' ? 'cloud' : name === 'EdgeError' || name === 'ModelError' ? 'edge' : undefined

import * as v from 'valibot'
import { type Report, reportSchema } from '../../contracts/report.ts'
import { wellFormed } from '../../utils/well-formed.ts'

/**
 * One report of a batch, or why it is none. `null` stands for what is left out, as Python clients write it. Half of a
 * surrogate pair becomes U+FFFD: databases keep UTF-8, in which two such texts are the same.
 */
export function readReport(
  candidate: unknown,
): { readonly report: Report } | { readonly id: string; readonly reason: string } {
  const given = withoutNullMembers(candidate)
  const { attempts } = given as { readonly attempts?: unknown }
  const parsed = v.safeParse(
    reportSchema,
    Array.isArray(attempts) ? { ...(given as object), attempts: attempts.map(withoutNullMembers) } : given,
  )
  if (parsed.success) return { report: wellFormedReport(parsed.output) }
  return { id: idOf(candidate), reason: parsed.issues[0]?.message ?? 'not a report' }
}

/** Not of what lies deeper: it may lie as deep as a stack is high. */
const withoutNullMembers = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
    : (value ?? {})

function wellFormedReport(report: Report): Report {
  const texts = wellFormedTexts(report)
  if (texts.kind === 'counts' || texts.attempts === undefined) return texts
  return { ...texts, attempts: texts.attempts.map(wellFormedTexts) }
}

/** The same object, with each of its texts well-formed. */
export const wellFormedTexts = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, typeof member === 'string' ? wellFormed(member) : member]),
  ) as T

const idOf = (candidate: unknown): string =>
  typeof candidate === 'object' && candidate !== null && 'id' in candidate && typeof candidate.id === 'string'
    ? candidate.id.slice(0, 100)
    : ''

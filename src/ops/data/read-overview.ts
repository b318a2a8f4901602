import * as v from 'valibot'
import { type OpsOverview, opsOverviewSchema, opsPath } from '../../contracts/ops.ts'

export interface OverviewQuery {
  readonly hours: string
  readonly model: string | undefined
  /** Kept in memory only. */
  readonly token: string | undefined
}

/** Why there is nothing to show. */
export type OpsProblem =
  | { readonly kind: 'unauthorized' | 'forbidden' | 'unreachable' | 'unreadable' }
  | { readonly kind: 'failed'; readonly status: number }

type Answer<T> = { readonly value: T } | { readonly problem: OpsProblem }

async function ask(
  file: string,
  { hours, model, token }: OverviewQuery,
  signal: AbortSignal,
): Promise<Answer<Response>> {
  const query = new URLSearchParams({ hours, ...(model === undefined ? {} : { model }) })
  try {
    // Beside the page, whatever the endpoint's base address is.
    const response = await fetch(new URL(`..${opsPath}/${file}?${query}`, document.baseURI), {
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      cache: 'no-store',
      credentials: 'omit',
      signal,
    })
    if (response.ok) return { value: response }
    const { status } = response
    if (status === 401) return { problem: { kind: 'unauthorized' } }
    return { problem: status === 403 ? { kind: 'forbidden' } : { kind: 'failed', status } }
  } catch {
    return { problem: { kind: 'unreachable' } }
  }
}

export async function readOverview(query: OverviewQuery, signal: AbortSignal): Promise<Answer<OpsOverview>> {
  const answer = await ask('overview', query, signal)
  if ('problem' in answer) return answer
  const parsed = v.safeParse(opsOverviewSchema, await answer.value.json().catch(() => undefined))
  return parsed.success ? { value: parsed.output } : { problem: { kind: 'unreadable' } }
}

/** The same figures as a table. */
export async function readCsv(query: OverviewQuery, signal: AbortSignal): Promise<Answer<Blob>> {
  const answer = await ask('overview.csv', query, signal)
  return 'problem' in answer ? answer : { value: await answer.value.blob() }
}

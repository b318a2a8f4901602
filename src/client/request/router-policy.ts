import type { RouterPolicy } from '../../routing/router-types.ts'
import { given } from '../../utils/given.ts'
import type { Budgets } from '../types/client-options.ts'

/** The client's budgets as the router takes them. */
export function toRouterPolicy(budgets: Budgets = {}): Partial<RouterPolicy> {
  const { wastedEdgeShare, wastedCloudShare, tokenPrices: _, ...perHour } = budgets
  return { budgets: perHour, ...given({ wastedEdgeShare, wastedCloudShare }) }
}

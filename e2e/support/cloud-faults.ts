import type { Page, Route } from '@playwright/test'

/** What can be wrong with an endpoint's answer to a request. */
export const cloudFaults = ['500', '429', 'no JSON', 'wrong shape', 'half an answer', 'silence'] as const
export type CloudFault = (typeof cloudFaults)[number]

async function spoil(route: Route, fault: CloudFault): Promise<void> {
  if (fault === 'silence') return
  if (fault === '500') return route.fulfill({ status: 500, json: { error: 'broken' } })
  if (fault === '429') return route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, json: { error: 'busy' } })
  if (fault === 'no JSON') return route.fulfill({ contentType: 'application/json', body: '{"outputs": [{' })
  if (fault === 'wrong shape') {
    const y = { name: 'y', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }
    return route.fulfill({ json: { model_name: 'heavy', outputs: [y] } })
  }
  const response = await route.fetch()
  const body = await response.body()
  return route.fulfill({ response, body: body.subarray(0, body.length - 7) })
}

/** Spoils the endpoint's answers from now on; `fault: undefined` lets them pass. Counts and keeps what was sent. */
export async function spoilEndpoint(page: Page) {
  const state = { fault: undefined as CloudFault | undefined, sent: [] as Buffer[] }
  await page.route('**/infer', async (route) => {
    state.sent.push(route.request().postDataBuffer() ?? Buffer.alloc(0))
    if (state.fault === undefined) return route.continue()
    // A request that was aborted meanwhile can't be answered any more.
    return spoil(route, state.fault).catch(() => {})
  })
  return state
}

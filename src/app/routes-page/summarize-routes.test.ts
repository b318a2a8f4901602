import { describe, expect, it } from 'vitest'
import type { RouteRecord } from '../../index.ts'
import { summarizeRoutes } from './summarize-routes.ts'

const route = (change: Partial<RouteRecord>): RouteRecord => ({
  id: 'a',
  model: 'digits',
  revision: '1',
  startedAtMs: 0,
  ran: 'edge',
  reason: 'edge-faster',
  why: '',
  predicted: { edge: { meanMs: 10, p90Ms: 12 }, cloud: { meanMs: 100, p90Ms: 150 } },
  actualMs: 12,
  parts: {},
  attempts: [],
  known: {
    online: true,
    saveData: false,
    savePower: false,
    edgeStatus: 'ready',
    edgeWaiting: 0,
    requestBytes: 1000,
    links: [],
  },
  ...change,
})

describe('summarizeRoutes', () => {
  it('says nothing of no requests', () => {
    expect(summarizeRoutes([])).toEqual({ count: 0, edgeShare: 0, meanMs: 0 })
  })

  it('holds what ran elsewhere against the other arm’s prediction', () => {
    const routes = [route({}), route({ actualMs: 8 }), route({ ran: 'cloud', actualMs: 60 })]
    expect(summarizeRoutes(routes)).toEqual({
      count: 3,
      edgeShare: 2 / 3,
      meanMs: 80 / 3,
      // 100 − 12, 100 − 8, and nothing for the one that ran there.
      againstCloud: { count: 3, savedMs: 180, bytes: 2000 },
      // 10 − 60: the cloud was the slower choice.
      againstEdge: { count: 3, savedMs: -50, bytes: 1000 },
    })
  })

  it('leaves out what nothing was predicted of', () => {
    const only = route({ predicted: {} })
    expect(summarizeRoutes([only])).toMatchObject({ againstEdge: { count: 1, savedMs: 0 } })
    expect(summarizeRoutes([only]).againstCloud).toBeUndefined()
  })
})

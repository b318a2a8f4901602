import { describe, expect, it } from 'vitest'
import type { RouteRecord } from '../../index.ts'
import { measuredMs, summarizeRoutes } from './summarize-routes.ts'

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

  it('counts as saved only what was measured, and sums up apart what is predicted', () => {
    const routes = [route({}), route({ actualMs: 8 }), route({ ran: 'cloud', actualMs: 60 })]
    expect(summarizeRoutes(routes)).toEqual({
      count: 3,
      edgeShare: 2 / 3,
      meanMs: 80 / 3,
      // Nothing was saved by the one that ran there; 100 − 12 and 100 − 8 would have been.
      againstCloud: { count: 1, savedMs: 0, bytes: 2000, predicted: { count: 2, savedMs: 180 } },
      // 10 − 60: the cloud was the slower choice, if the prediction was right.
      againstEdge: { count: 2, savedMs: 0, bytes: 1000, predicted: { count: 1, savedMs: -50 } },
    })
  })

  it('the time at which the model was ready replaces what was predicted of it', () => {
    const foretold = { edge: { meanMs: 30_300, p90Ms: 65_000 } }
    const bridged = route({ ran: 'cloud', actualMs: 300, predicted: foretold })
    expect(summarizeRoutes([bridged]).againstEdge).toEqual({
      count: 0,
      savedMs: 0,
      bytes: 1000,
      predicted: { count: 1, savedMs: 30_000 },
    })
    const measured = route({
      ...bridged,
      parts: { prepareMs: 7 },
      other: { arm: 'edge', ms: 550, known: 'when-ready' },
    })
    expect(summarizeRoutes([measured]).againstEdge).toEqual({
      count: 1,
      savedMs: 250,
      bytes: 1000,
      predicted: { count: 0, savedMs: 0 },
    })
  })

  it('a run that was overtaken took at least as long as it had run', () => {
    const raced = route({
      ran: 'cloud',
      actualMs: 60,
      parts: { prepareMs: 5 },
      attempts: [
        { arm: 'cloud', ms: 55, result: 'answered' },
        { arm: 'edge', startedMs: 20, ms: 35, result: 'lost' },
      ],
      other: { arm: 'edge', ms: 35, known: 'at-least' },
    })
    expect(measuredMs(raced, 'edge')).toBe(60)
    expect(measuredMs(raced, 'cloud')).toBe(60)
    expect(measuredMs(route({}), 'cloud')).toBeUndefined()
  })

  it('leaves out what nothing was predicted of', () => {
    const only = route({ predicted: {} })
    expect(summarizeRoutes([only])).toMatchObject({ againstEdge: { count: 1, savedMs: 0 } })
    expect(summarizeRoutes([only]).againstCloud).toBeUndefined()
  })
})

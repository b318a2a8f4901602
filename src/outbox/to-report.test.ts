import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { reportSchema } from '../contracts/report.ts'
import type { RouteRecord } from '../contracts/route.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { EdgeError } from '../errors/edge-error.ts'
import { NoArmError } from '../errors/no-arm-error.ts'
import { browserName } from './browser-name.ts'
import { reportOfFailure, reportOfRoute } from './to-report.ts'

const route: RouteRecord = {
  id: crypto.randomUUID(),
  model: 'digits',
  revision: '1',
  startedAtMs: Date.UTC(2026, 10, 28, 13),
  ran: 'edge',
  backend: 'webgpu',
  reason: 'edge-faster',
  why: 'This device was predicted to finish first.',
  predicted: { edge: { meanMs: 5, p90Ms: 9 }, cloud: { meanMs: Number.NaN, p90Ms: 1 } },
  actualMs: 6,
  parts: { computeMs: 4 },
  attempts: [{ arm: 'edge', ms: 6 }],
} as RouteRecord
const answer = { label: 'the secret label' }
const about = { id: route.id, model: 'digits', revision: '1', startedAtMs: route.startedAtMs, actualMs: 2 }

describe('reportOfRoute', () => {
  it('tells where and how long, in the form that the endpoint checks, and not the answer', () => {
    const made = reportOfRoute(route, answer, { mode: 'routes', privacy: 'any', adapter: 'some adapter' })
    if (made.kind !== 'report') throw new TypeError('no report')
    expect(v.parse(reportSchema, made.report)).toEqual(made.report)
    expect(made.report).toMatchObject({ ran: 'edge', adapter: 'some adapter', predictedEdgeMs: 5, computeMs: 4 })
    expect(made.report).not.toHaveProperty('predictedCloudMs')
    expect(JSON.stringify(made)).not.toContain('secret')
  })

  it('adds the answer only where the site asked for answers, and leaves out a huge one', () => {
    const context = { mode: 'results', privacy: 'any' } as const
    expect(JSON.stringify(reportOfRoute(route, answer, context))).toContain('secret')
    expect(reportOfRoute(route, 'x'.repeat(5_000), context)).not.toHaveProperty('report.answer')
  })

  it('only counts a request that had to stay here, and records nothing when told so', () => {
    for (const mode of ['routes', 'results'] as const) {
      expect(reportOfRoute(route, answer, { mode, privacy: 'edge-only' })).toEqual({
        kind: 'count',
        outcome: 'answered',
      })
    }
    for (const privacy of ['any', 'edge-only'] as const) {
      expect(reportOfRoute(route, answer, { mode: 'none', privacy })).toEqual({ kind: 'nothing' })
    }
  })
})

describe('reportOfFailure', () => {
  const error = new NoArmError('no-arm', 'The secret picture was not answered.', {
    attempts: [new EdgeError('edge-crashed', 'secret'), new CloudError('cloud-timeout', 'secret')],
  })

  it('tells codes and arms, and no message', () => {
    const made = reportOfFailure(error, about, { mode: 'routes', privacy: 'any' })
    if (made.kind !== 'report') throw new TypeError('no report')
    expect(v.parse(reportSchema, made.report)).toEqual(made.report)
    expect(made.report).toMatchObject({ kind: 'failure', code: 'cloud-timeout', arm: 'cloud' })
    expect(JSON.stringify(made)).toContain('edge-crashed')
    expect(JSON.stringify(made)).not.toContain('secret')
  })

  it('only counts one that had to stay here', () => {
    expect(reportOfFailure(error, about, { mode: 'results', privacy: 'edge-only' })).toEqual({
      kind: 'count',
      outcome: 'failed',
    })
    expect(reportOfFailure(error, about, { mode: 'none', privacy: 'any' })).toEqual({ kind: 'nothing' })
  })
})

describe('browserName', () => {
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      'Chrome',
      '156',
    ],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0', 'Edge', '150'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0', 'Firefox', '153'],
    ['Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15', 'Safari', '18'],
    ['curl/8', 'other', ''],
  ])('%s', (userAgent, family, version) => {
    expect(browserName(userAgent)).toEqual({ family, version })
  })
})

import { describe, expect, it } from 'vitest'
import { arm, header, json } from '../testing/cloud-fixture.ts'

describe('hasModel', () => {
  const ready = '/v2/models/m/ready'
  const model = '/v2/models/m'
  const status = (code: number) => () => json({ error: 'x' }, { status: code })

  it.each([
    ['Triton: ready, no body', { [ready]: () => new Response('') }, true],
    ['KServe: ready', { [ready]: () => json({ name: 'm', ready: true }) }, true],
    ['a body that says no', { [ready]: () => json({ name: 'm', ready: false }) }, false],
    ['not ready', { [ready]: status(503), [model]: () => json({}) }, false],
    ['unknown to both', { [ready]: status(404), [model]: status(404) }, false],
    ['Triton: unknown', { [ready]: status(400), [model]: status(400) }, false],
    ['no such path, but the model', { [ready]: status(501), [model]: () => json({ name: 'm' }) }, true],
    ['no such path, no model', { [ready]: status(405), [model]: status(404) }, false],
    ['a web page in the way', { [ready]: () => new Response('<!doctype html><html>') }, false],
  ])('%s', async (_, routes, expected) => {
    expect(await arm(routes).cloud.hasModel('m')).toBe(expected)
  })

  it.each([
    ['it can not be reached', () => Promise.reject(new TypeError('no')), 'cloud-unreachable'],
    ['it fails', status(500), 'cloud-failed'],
    ['it is overloaded', status(429), 'cloud-overloaded'],
    ['it wants another token', status(401), 'cloud-unauthorized'],
  ])('throws when %s', async (_, respond, code) => {
    await expect(arm({ [ready]: respond }).cloud.hasModel('m')).rejects.toMatchObject({ code })
  })
})

describe('ping', () => {
  const live = '/v2/health/live'

  it.each([200, 204, 401, 404])('measures the time to an answer of %i, without a token', async (status) => {
    const { cloud, sent } = arm({ [live]: () => new Response(null, { status }) }, { token: () => 'secret' })
    expect(await cloud.ping()).toEqual({ roundTripMs: 10 })
    expect(header(sent[0]?.init, 'Authorization')).toBeNull()
  })

  it('throws when the endpoint can not be reached, and when a proxy answers for it', async () => {
    await expect(arm({ [live]: () => Promise.reject(new TypeError()) }).cloud.ping()).rejects.toMatchObject({
      code: 'cloud-unreachable',
    })
    await expect(arm({ [live]: () => new Response('', { status: 502 }) }).cloud.ping()).rejects.toMatchObject({
      code: 'cloud-failed',
    })
  })
})

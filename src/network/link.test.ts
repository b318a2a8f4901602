import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLink } from './link.ts'

const clock = () => {
  const time = { ms: 1e12 }
  return { time, now: () => time.ms }
}

test('nothing is reported as measured before it was', () => {
  const { now } = clock()
  const report = createLink({ now, onlineSource: { online: true, saveData: false } }).report()
  expect(report).toEqual({ online: true, saveData: false, samples: 0 })
})

test('pings give the round trip; it ages, and a network change makes it old', () => {
  const { now, time } = clock()
  const link = createLink({ now })
  for (let ping = 0; ping < 10; ping += 1) link.observePing(40)
  expect(link.report().roundTripMs).toBeGreaterThan(35)
  expect(link.report().roundTripMs).toBeLessThan(50)
  expect(link.isStale()).toBe(false)
  const fresh = link.estimate().roundTrip.variance
  time.ms += 59_000
  expect(link.isStale()).toBe(false)
  time.ms += 2_000
  expect(link.isStale()).toBe(true)
  expect(link.report().ageMs).toBe(61_000)
  const aged = link.estimate().roundTrip.variance
  expect(aged).toBeGreaterThan(fresh)
  link.observePing(40)
  link.networkChanged()
  expect(link.isStale()).toBe(true)
})

test('large requests give the uplink, with the server taken out', () => {
  const { now } = clock()
  const link = createLink({ now })
  for (let ping = 0; ping < 5; ping += 1) link.observePing(50)
  // 250 KB at 2 Mbit/s is 1,000 ms; the server's second of work must not make the link look slow.
  for (let request = 0; request < 10; request += 1) {
    link.observeRequest({ requestBytes: 250_000, responseBytes: 100, totalMs: 2_050, serverMs: 1_000 })
  }
  expect(link.report().uplinkBitsPerSecond).toBeGreaterThan(1.6e6)
  expect(link.report().uplinkBitsPerSecond).toBeLessThan(2.5e6)
})

test('a request that makes no sense teaches nothing', () => {
  const { now } = clock()
  const link = createLink({ now })
  for (const totalMs of [Number.NaN, -1, 0, Number.POSITIVE_INFINITY]) {
    expect(link.observeRequest({ requestBytes: 1e6, responseBytes: 1e6, totalMs, serverMs: 1 })).toBeUndefined()
  }
  expect(link.report().samples).toBe(0)
})

test('what was measured comes back with more doubt', () => {
  const { now } = clock()
  const link = createLink({ now })
  for (let ping = 0; ping < 10; ping += 1) link.observePing(40)
  const again = createLink({ now })
  again.restore(JSON.parse(JSON.stringify(link.snapshot())))
  expect(again.estimate().roundTrip.mu).toBeCloseTo(link.estimate().roundTrip.mu, 1)
  expect(again.estimate().roundTrip.variance).toBeGreaterThan(link.estimate().roundTrip.variance)
  expect(again.isStale()).toBe(true)
  again.restore({ version: 99 })
  again.restore('nonsense')
})

test('a request is split into parts that make its whole', () => {
  const { now } = clock()
  const split = createLink({ now }).observeRequest({
    requestBytes: 50_000,
    responseBytes: 5_000,
    totalMs: 900,
    serverMs: 200,
    connectMs: 100,
  })
  expect(split?.serverMs).toBe(200)
  const network = (split?.roundTripMs ?? 0) + (split?.uploadMs ?? 0) + (split?.downloadMs ?? 0)
  expect(network).toBeCloseTo(600, 6)
  expect(split?.uploadMs).toBeGreaterThan(split?.downloadMs ?? Number.NaN)
})

test('slowness that may be the server teaches nothing, speed does', () => {
  const { now } = clock()
  const link = createLink({ now })
  const slow = link.observeRequest({ requestBytes: 1_000, responseBytes: 1_000, totalMs: 5_000 })
  expect(slow?.serverMs).toBeGreaterThan(4_000)
  expect(link.report().samples).toBe(0)
  link.observeRequest({ requestBytes: 1_000, responseBytes: 1_000, totalMs: 10 })
  expect(link.report().samples).toBe(1)
  expect(link.report().roundTripMs).toBeLessThan(80)
})

test('a network change widens every estimate and moves none', () => {
  const { now } = clock()
  const link = createLink({ now })
  for (let request = 0; request < 20; request += 1) {
    link.observeRequest({ requestBytes: 1e6, responseBytes: 1e6, totalMs: 3_000, serverMs: 10 })
    link.observePing(40)
  }
  const before = link.estimate()
  link.networkChanged()
  const after = link.estimate()
  for (const part of ['roundTrip', 'uplink', 'downlink'] as const) {
    expect(after[part].mu).toBe(before[part].mu)
    expect(after[part].variance).toBeGreaterThan(before[part].variance)
  }
})

test('whatever a request is said to have been, its split and the estimates are numbers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double(), fc.double(), fc.double({ max: 1e300 }), fc.double(), fc.double())),
      (requests) => {
        const { now } = clock()
        const link = createLink({ now })
        for (const [requestBytes, responseBytes, totalMs, serverMs, connectMs] of requests) {
          const split = link.observeRequest({ requestBytes, responseBytes, totalMs, serverMs, connectMs })
          for (const ms of Object.values(split ?? {})) expect(ms >= 0 && Number.isFinite(ms)).toBe(true)
        }
        for (const { mu, variance } of Object.values(link.estimate())) {
          expect(Number.isFinite(mu) && variance >= 0 && Number.isFinite(variance)).toBe(true)
        }
      },
    ),
    { examples: [[[[1e307, 1e307, 100, 10, 0]]]] },
  )
})

test('a request that was given up late makes the uplink slower, one given up early says nothing', () => {
  const link = createLink({ now: () => 0 })
  for (let index = 0; index < 3; index += 1) {
    link.observeRequest({ requestBytes: 100_000, responseBytes: 100, totalMs: 120, serverMs: 10 })
  }
  const before = link.estimate().uplink
  link.observeAtLeast({ requestBytes: 100_000, elapsedMs: 30 })
  expect(link.estimate().uplink).toEqual(before)
  link.observeAtLeast({ requestBytes: 100_000, elapsedMs: 4_000 })
  expect(link.estimate().uplink.mu).toBeLessThan(before.mu - 0.5)
  for (const elapsedMs of [Number.NaN, -1, 0, Number.POSITIVE_INFINITY]) {
    link.observeAtLeast({ requestBytes: 100_000, elapsedMs })
    expect(link.estimate().uplink.mu).not.toBeNaN()
  }
})

test('small requests that are given up one after the other make the round trip longer', () => {
  const link = createLink({ now: () => 0 })
  for (let index = 0; index < 3; index += 1) link.observePing(80)
  const before = link.estimate()
  for (let index = 0; index < 4; index += 1) link.observeAtLeast({ requestBytes: 2_000, elapsedMs: 1_500 })
  const { roundTrip, uplink } = link.estimate()
  const ms = Math.exp(roundTrip.mu) + 16_000_000 / Math.exp(uplink.mu)
  expect(ms).toBeGreaterThan(4 * Math.exp(before.roundTrip.mu))
})

test('a few fast answers end the belief in a slow link, however small its share of the time', () => {
  const link = createLink({ now: () => 0 })
  for (let index = 0; index < 4; index += 1) {
    link.observeRequest({ requestBytes: 20_000, responseBytes: 2_000, totalMs: 6_500, serverMs: 15 })
  }
  const ms = ({ mu }: { readonly mu: number }) => Math.exp(mu)
  expect(ms(link.estimate().roundTrip) + 160_000_000 / ms(link.estimate().uplink)).toBeGreaterThan(1_000)
  for (let index = 0; index < 3; index += 1) {
    link.observeRequest({ requestBytes: 16_384, responseBytes: 0, totalMs: 32, serverMs: 0 })
  }
  expect(ms(link.estimate().roundTrip)).toBeLessThan(100)
  expect(160_000_000 / ms(link.estimate().uplink)).toBeLessThan(100)
})

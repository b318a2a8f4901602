import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal, meanOf, p90Of } from '../utils/log-normal.ts'
import { createDownloadRates, type Transfer } from './download-rates.ts'

const a = 'https://a.example'
const b = 'https://b.example'
const download = (origin: string, mbps: number, bytes = 1_000_000): Transfer => ({
  origin,
  bytes,
  ms: (bytes * 8) / (mbps * 1_000),
  kind: 'download',
})
const files = (origin: string, mbps: number, bytes = 40_000): Transfer => ({
  ...download(origin, mbps, bytes),
  kind: 'files',
})
const clock = () => {
  const time = { ms: 1e12 }
  return { time, now: () => time.ms }
}
const mbpsOf = ({ rate }: { readonly rate: { readonly mu: number } }) => Math.exp(rate.mu) / 1e6

test('before anything was downloaded, what is assumed is said, and that it is no measurement', () => {
  const rates = createDownloadRates()
  const assumed = logNormal(1.45e6, 1.2)
  expect(rates.rate(a, assumed)).toEqual({ rate: assumed, isMeasured: false })
  expect(rates.rate(a).rate.variance).toBeGreaterThan(1)
})

test('one download of three megabytes outweighs the assumption, for its own server', () => {
  const { now } = clock()
  const rates = createDownloadRates(now)
  rates.observe(download(a, 40, 3_000_000))
  const known = rates.rate(a, logNormal(1.45e6, 1.2))
  expect(known.isMeasured).toBe(true)
  expect(mbpsOf(known)).toBeGreaterThan(35)
  expect(mbpsOf(known)).toBeLessThan(45)
})

test('each server has its own rate; one that sent nothing yet is taken to be like the last, but less surely', () => {
  const { now } = clock()
  const rates = createDownloadRates(now)
  for (let each = 0; each < 4; each += 1) rates.observe(download(a, 100))
  const other = rates.rate(b)
  expect(other.isMeasured).toBe(false)
  expect(mbpsOf(other)).toBeGreaterThan(60)
  expect(other.rate.variance).toBeGreaterThan(rates.rate(a).rate.variance + 0.2)
  for (let each = 0; each < 4; each += 1) rates.observe(download(b, 2))
  expect(mbpsOf(rates.rate(b))).toBeLessThan(4)
  expect(mbpsOf(rates.rate(a))).toBeGreaterThan(60)
})

test('small files show the least that the link does: those that came slower hardly count', () => {
  const { now } = clock()
  const rates = createDownloadRates(now)
  rates.observe(files(a, 50))
  const before = mbpsOf(rates.rate(a))
  expect(before).toBeGreaterThan(20)
  for (let each = 0; each < 5; each += 1) rates.observe(files(a, 2))
  expect(mbpsOf(rates.rate(a))).toBeGreaterThan(0.5 * before)
  // A download that is slower is no accident.
  for (let each = 0; each < 5; each += 1) rates.observe(download(a, 2))
  expect(mbpsOf(rates.rate(a))).toBeLessThan(5)
})

test('a page’s own files tell more than what was assumed, but a bunch of packets does not', () => {
  const { now } = clock()
  const told = (mbps: number, bytes?: number) => {
    const rates = createDownloadRates(now)
    rates.observe(files(a, mbps, bytes))
    return mbpsOf(rates.rate(a))
  }
  // Assumed are 15 Mbit/s.
  expect(told(80)).toBeGreaterThan(45)
  expect(told(2)).toBeLessThan(4)
  // A third of a second for 40 kB is no accident.
  expect(told(1)).toBeLessThan(1.5)
  expect(told(800, 8_200)).toBeLessThan(80)
})

test('with one small file little is known; downloads narrow it, age and another network widen it', () => {
  const { now, time } = clock()
  const rates = createDownloadRates(now)
  const spread = () => rates.rate(a).rate.variance
  rates.observe(files(a, 10))
  const little = spread()
  for (let each = 0; each < 6; each += 1) rates.observe(download(a, 10))
  const much = spread()
  expect(much).toBeLessThan(little / 3)
  time.ms += 100_000
  const aged = spread()
  expect(aged).toBeGreaterThan(much + 0.1)
  rates.networkChanged()
  expect(spread()).toBeGreaterThan(aged)
})

test('a second visit begins with what the first one learned, by server and less surely; nonsense is ignored', () => {
  const { now } = clock()
  const rates = createDownloadRates(now)
  for (let each = 0; each < 6; each += 1) rates.observe(download(a, 80))
  rates.observe(download(b, 3))
  const later = createDownloadRates(now)
  later.restore(JSON.parse(JSON.stringify(rates.snapshot())))
  expect(mbpsOf(later.rate(a))).toBeCloseTo(mbpsOf(rates.rate(a)), 1)
  expect(mbpsOf(later.rate(b))).toBeLessThan(6)
  expect(later.rate(a).rate.variance).toBeGreaterThan(rates.rate(a).rate.variance)
  expect(later.rate(a).isMeasured).toBe(true)
  fc.assert(
    fc.property(fc.anything(), (anything) => {
      const fresh = createDownloadRates(now)
      fresh.restore(anything)
      fresh.restore({ version: 1, servers: [[a, anything]] })
      expect(Number.isFinite(meanOf(fresh.rate(a).rate))).toBe(true)
    }),
  )
})

test('no transfer, however wrong, makes a rate that is no number', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.double(), fc.double(), fc.boolean()), { maxLength: 20 }), (rows) => {
      const { now, time } = clock()
      const rates = createDownloadRates(now)
      for (const [bytes, ms, isDownload] of rows) {
        rates.observe({ origin: a, bytes, ms, kind: isDownload ? 'download' : 'files' })
        time.ms += 1_000
      }
      expect(Number.isFinite(p90Of(rates.rate(a).rate))).toBe(true)
    }),
  )
})

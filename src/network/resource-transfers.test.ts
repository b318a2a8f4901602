import { expect, test } from 'vitest'
import { type ResourceTimes, transfersOf } from './resource-transfers.ts'
import { watchResources } from './watch-resources.ts'

const entry = (changes: Partial<ResourceTimes> = {}): ResourceTimes => ({
  name: 'https://a.example/x.js',
  requestStart: 100,
  responseStart: 140,
  responseEnd: 180,
  transferSize: 40_300,
  encodedBodySize: 40_000,
  workerStart: 0,
  ...changes,
})

test('a file is its bytes over the time from its first to its last', () => {
  expect(transfersOf([entry()])).toEqual([{ origin: 'https://a.example', bytes: 40_300, ms: 40, kind: 'files' }])
})

test('files that come at the same time share the link: their bytes count together', () => {
  const entries = [
    entry(),
    entry({ responseStart: 150, responseEnd: 200 }),
    entry({ responseStart: 300, responseEnd: 340 }),
  ]
  expect(transfersOf(entries)).toEqual([
    expect.objectContaining({ bytes: 80_600, ms: 60 }),
    expect.objectContaining({ bytes: 40_300, ms: 40 }),
  ])
})

test('the script of a worker, whose beginning the browser does not say, adds to what came beside it', () => {
  const worker = entry({ requestStart: 150, responseStart: 150, responseEnd: 200 })
  expect(transfersOf([entry(), worker])).toEqual([expect.objectContaining({ bytes: 80_600, ms: 60 })])
  expect(transfersOf([worker])).toEqual([])
})

test.each<[string, Partial<ResourceTimes>]>([
  ['came from the cache', { transferSize: 0 }],
  ['was confirmed by a 304', { transferSize: 300 }],
  [
    'is of an origin that hides its sizes and times',
    { requestStart: 0, responseStart: 0, transferSize: 0, encodedBodySize: 0 },
  ],
  ['of which the origin hides the times only', { requestStart: 0, responseStart: 0 }],
  ['was answered by a service worker', { workerStart: 90 }],
  ['is no address', { name: '' }],
])('nothing is learned of a file that %s', (_, changes) => {
  expect(transfersOf([entry(changes)])).toEqual([])
})

test('servers are kept apart, and the fastest transfer comes first', () => {
  const other = entry({ name: 'https://b.example/y.js', responseStart: 140, responseEnd: 150 })
  expect(transfersOf([entry(), other]).map(({ origin }) => origin)).toEqual(['https://b.example', 'https://a.example'])
})

test('the browser’s list is read once, and what a server streams is left out', () => {
  const seen: number[] = []
  const list: (ResourceTimes & { initiatorType: string })[] = [{ ...entry(), initiatorType: 'script' }]
  const timeline = { getEntriesByType: (type: string) => (type === 'resource' ? list : []) }
  const watch = watchResources(({ ms }) => seen.push(ms), { timeline })
  watch.read()
  watch.read()
  expect(seen).toEqual([40])
  list.push({ ...entry({ responseStart: 500, responseEnd: 9_000 }), initiatorType: 'fetch' })
  list.push({ ...entry({ responseStart: 500, responseEnd: 510 }), initiatorType: 'img' })
  watch.read()
  expect(seen).toEqual([40, 10])
  expect(() => watchResources(() => {}, { timeline: undefined }).read()).not.toThrow()
})

import { expect, test } from 'vitest'
import type { ErrorCode } from '../../../errors/codes.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { createLink } from '../../../network/link.ts'
import { createRouteLearner } from '../../../routing/learning/route-learner.ts'
import { fakeManifest } from '../../../testing/fake-manifest.ts'
import { type LogNormal, logNormal, meanOf } from '../../../utils/log-normal.ts'
import type { CloudKnowledge, EdgeKnowledge, Knowledge } from './knowledge.ts'
import { takeSnapshot } from './take-snapshot.ts'

const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1_000) })
const key = modelKey(manifest)

/** A preparation of which only the rate is known. */
const prepareAt =
  (downlink: LogNormal): EdgeKnowledge['prepare'] =>
  (remainingBytes) => ({
    remainingBytes,
    downlink,
    other: undefined,
    load: logNormal(1_500, 1),
    loadingForMs: 0,
    isRateMeasured: false,
    isMeasured: false,
  })
const knowledgeOf = (edge: Partial<EdgeKnowledge> = {}, others: Partial<Knowledge> = {}): Knowledge => ({
  online: true,
  saveData: false,
  savePower: false,
  edge: {
    state: { status: 'ready', totalBytes: 1_000, backend: 'wasm' },
    backend: 'wasm',
    prior: logNormal(20, 0.1),
    waiting: 0,
    busyForMs: 0,
    isRunMeasured: true,
    prepare: prepareAt(logNormal(15e6, 1.2)),
    times: createRouteLearner(),
    ...edge,
  },
  clouds: [],
  closed: [],
  ...others,
})
const cloudOf = (changes: Partial<CloudKnowledge> = {}): CloudKnowledge => {
  const link = createLink()
  return {
    name: 'https://a.example',
    region: undefined,
    moneyPerRequest: 0,
    hasModel: true,
    wireShare: 1,
    link: link.estimate(),
    report: link.report(),
    times: createRouteLearner(),
    ...changes,
  }
}
const take = (knowledge: Knowledge, request: Partial<Parameters<typeof takeSnapshot>[2]> = {}) =>
  takeSnapshot(knowledge, manifest, { privacy: 'any', requestBytes: 1_000, ...request })

test.each<[string, Partial<EdgeKnowledge>, string]>([
  ['ready', {}, 'ready'],
  ['stored', { state: { status: 'stored', totalBytes: 1_000 } }, 'stored'],
  ['loading', { state: { status: 'loading', totalBytes: 1_000 } }, 'loading'],
  ['downloading', { state: { status: 'downloading', loadedBytes: 1, totalBytes: 1_000 } }, 'downloading'],
  ['absent', { state: { status: 'absent' } }, 'absent'],
  ['paused', { state: { status: 'paused', loadedBytes: 1, totalBytes: 1_000 } }, 'unavailable'],
  ['failed, but may load', { state: { status: 'failed', code: 'edge-crashed', message: '' } }, 'absent'],
  ['failed for good', { state: { status: 'failed', code: 'model-unsupported', message: 'No f16.' } }, 'unavailable'],
  ['without a backend', { backend: undefined }, 'unavailable'],
])('a model that is %s', (_, edge, status) => {
  const { snapshot, known } = take(knowledgeOf(edge))
  expect(snapshot.edge.status).toBe(status)
  expect(known.edgeStatus).toBe(status)
})

test.each<[ErrorCode, boolean]>([
  ['model-unsupported', true],
  ['model-set-aside', true],
  ['no-backend', true],
  ['license-not-accepted', true],
  ['edge-crashed', false],
  ['model-load-failed', false],
])('after %s a further try is %s to be of no use', (code, isLasting) => {
  const { snapshot, ...taken } = take(knowledgeOf({ state: { status: 'failed', code, message: 'No f16.' } }))
  expect(snapshot.edge.status).toBe(isLasting ? 'unavailable' : 'absent')
  // The sentence of a failure for good goes along.
  expect('edgeLacks' in taken && taken.edgeLacks).toBe(isLasting && 'No f16.')
})

test.each(['cloud', 'edge'] as const)('a model whose usual arm is %s', (defaultArm) => {
  const { snapshot } = takeSnapshot(
    knowledgeOf({ state: { status: 'absent' } }),
    { ...manifest, defaultArm },
    { privacy: 'any', requestBytes: 1_000 },
  )
  expect(snapshot.edge).toMatchObject({ cloudByDefault: defaultArm === 'cloud' })
})

test('what is still to be fetched takes time and bytes', () => {
  const optionOf = (state: EdgeKnowledge['state']) =>
    take(knowledgeOf({ state, prepare: prepareAt(logNormal(8_000, 0.1)) })).snapshot.edge
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const [absent, half, stored, loading, ready] = [
    optionOf({ status: 'absent' }),
    optionOf({ status: 'downloading', loadedBytes: bytes / 2, totalBytes: bytes }),
    optionOf({ status: 'stored', totalBytes: bytes }),
    optionOf({ status: 'loading', totalBytes: bytes }),
    optionOf({ status: 'ready', totalBytes: bytes, backend: 'wasm' }),
  ]
  const options = [absent, half, stored, loading, ready]
  expect(options.map((option) => 'dataBytes' in option && option.dataBytes)).toEqual([bytes, bytes / 2, 0, 0, 0])
  const meanMs = ({ time }: typeof absent) => (time === undefined ? Number.NaN : meanOf(time))
  expect(meanMs(absent)).toBeGreaterThan(meanMs(half) + 300)
  expect(meanMs(half)).toBeGreaterThan(meanMs(stored) + 300)
})

test('a run that was never measured is taken to last as long as predicted', () => {
  const { busyMs } = take(knowledgeOf({ prior: logNormal(500, 0.1) })).snapshot.edge
  expect(busyMs).toBeGreaterThan(450)
  expect(busyMs).toBeLessThan(600)
})

test('the router hears what runs on this device usually take, and how long ago one was measured', () => {
  const clock = { nowMs: 1e6 }
  const times = createRouteLearner({ now: () => clock.nowMs })
  for (let run = 0; run < 50; run += 1) times.observeEdge(key, 'wasm', 60)
  for (let run = 0; run < 5; run += 1) times.observeEdge(key, 'wasm', 300)
  clock.nowMs += 30_000
  const { ageMs, usualMs, busyMs = 0 } = take(knowledgeOf({ times })).snapshot.edge
  expect(ageMs).toBe(30_000)
  expect(usualMs).toBeLessThan(85)
  expect(busyMs).toBeGreaterThan(150)
  const waitOf = (waiting: number, busyForMs: number, isAhead = false) =>
    take(knowledgeOf({ times, waiting, busyForMs }), { isAhead }).snapshot.edge.waitMs
  // Two runs before this one, the first of them half over; then longer under way than it was expected to take.
  expect(waitOf(2, busyMs / 2)).toBeCloseTo(1.5 * busyMs, 0)
  expect(waitOf(2, 10 * busyMs)).toBeCloseTo(1.1 * busyMs, 0)
  // A run that began ahead does not wait for itself.
  expect(waitOf(1, 10, true)).toBe(0)
})

test('an endpoint is judged by what goes over the wire to it', () => {
  const link = createLink()
  for (let index = 0; index < 20; index += 1)
    link.observeRequest({ requestBytes: 1e6, responseBytes: 1e3, totalMs: 1_000, serverMs: 10 })
  const optionOf = (wireShare: number) => {
    const cloud = cloudOf({ wireShare, link: link.estimate(), report: link.report() })
    const [option] = take(knowledgeOf({}, { clouds: [cloud] }), { requestBytes: 1e6 }).snapshot.clouds
    return { meanMs: option?.time && meanOf(option.time), dataBytes: option?.dataBytes }
  }
  const [whole, packed] = [optionOf(1), optionOf(0.1)]
  expect(whole.meanMs).toBeGreaterThan(500)
  expect(packed.meanMs).toBeLessThan(300)
  expect(packed.dataBytes).toBe(102_000)
})

test.each<[string, Partial<Knowledge>, boolean]>([
  ['no endpoint', {}, false],
  [
    'one that may be asked',
    { clouds: [cloudOf()], closed: [{ kind: 'region-down', endpoint: 'https://b.example' }] },
    false,
  ],
  ['only closed ones', { closed: [{ kind: 'region-down', endpoint: 'https://a.example' }] }, true],
])('with %s', (_, others, cloudClosed) => {
  const { snapshot, known } = take(knowledgeOf({}, others))
  expect(snapshot.cloudClosed).toBe(cloudClosed)
  expect(known.notices).toEqual(others.closed)
})

test('the record shows what was known of each link, its region where it has one', () => {
  const clouds = [cloudOf({ region: 'eu' }), cloudOf({ name: 'https://b.example' })]
  expect(take(knowledgeOf({ waiting: 2 }, { clouds, savePower: true })).known).toEqual({
    online: true,
    saveData: false,
    savePower: true,
    edgeStatus: 'ready',
    edgeWaiting: 2,
    requestBytes: 1_000,
    edgeMeasured: true,
    links: [
      { endpoint: 'https://a.example', region: 'eu', measured: false },
      { endpoint: 'https://b.example', measured: false },
    ],
  })
})

test('taking a snapshot twice gives the same, and changes nothing that is known', () => {
  const clock = () => 1e6
  const times = createRouteLearner({ now: clock })
  times.observeEdge(key, 'wasm', 60)
  const knowledge = knowledgeOf({ times }, { clouds: [cloudOf({ times })] })
  const before = JSON.stringify(times.snapshot())
  const first = take(knowledge)
  expect(take(knowledge)).toEqual(first)
  expect(JSON.stringify(times.snapshot())).toBe(before)
})

import { beforeEach, describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { createFakeFileServer, type FakeFileServer } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createManualTimers, type ManualTimers } from '../../testing/manual-timers.ts'
import { createMemoryStore, type KeyValueStore } from '../chunks/key-value-store.ts'
import { type CatalogueOptions, createCatalogue } from './catalogue.ts'

const url = 'https://models.test/models/catalog.json'
const manifestUrl = 'https://models.test/models/fake/1/manifest.json'
const good = await fakeManifest({ 'model.onnx': new Uint8Array([1, 2, 3]) })
const catalog = { format: 1, models: [{ name: 'fake', revision: '1', manifest: 'fake/1/manifest.json' }] }
const encode = (value: unknown) => ({ bytes: new TextEncoder().encode(JSON.stringify(value)) })

let server: FakeFileServer
let timers: ManualTimers
let records: KeyValueStore
let nowMs: number
beforeEach(() => {
  server = createFakeFileServer({
    '/models/catalog.json': encode(catalog),
    '/models/fake/1/manifest.json': encode(good),
  })
  timers = createManualTimers()
  server.onSilence = () => timers.fireAll()
  records = createMemoryStore()
  nowMs = 0
})
const open = (changes: Partial<CatalogueOptions> = {}) =>
  createCatalogue({ url, records, fetch: server.fetch, timers, now: () => nowMs, ...changes })

test('lists its models, and gives a manifest with its address', async () => {
  const catalogue = open()
  expect(await catalogue.list()).toEqual(catalog.models)
  const manifest = await catalogue.manifest('fake')
  expect(manifest).toEqual(good)
  expect(catalogue.baseUrl(manifest)).toBe(manifestUrl)
  expect(catalogue.baseUrl(manifest)).toBe('https://models.test/models/fake/1/manifest.json')
})

test('asks once, and again after a failure', async () => {
  server.faults = [{ offline: true }]
  const catalogue = open()
  await expect(catalogue.list()).rejects.toMatchObject({ name: 'ModelError', code: 'catalog-unavailable' })
  await Promise.all([catalogue.manifest('fake'), catalogue.manifest('fake'), catalogue.list()])
  expect(server.requests.map((request) => request.url)).toEqual([url, url, manifestUrl])
})

test('an unknown model is named with the known ones', async () => {
  await expect(open().manifest('digit')).rejects.toMatchObject({
    name: 'ValidationError',
    code: 'unknown-model',
    message: 'There is no model "digit". The catalogue has "fake".',
  })
})

describe('the last good copy serves', () => {
  test.each([
    ['without a network', { offline: true }],
    ['when no answer comes', { silent: true }],
    ['when the server fails', { status: 500 }],
    ['when a sign-in page answers', { html: '<html>hello</html>' }],
  ] as const)('%s', async (_, fault) => {
    await open().manifest('fake')
    server.lastingFault = fault
    const catalogue = open()
    expect(await catalogue.list()).toEqual(catalog.models)
    expect(await catalogue.manifest('fake')).toEqual(good)
    expect(timers.size).toBe(0)
  })

  test('for a while, then the network is asked again', async () => {
    await open().manifest('fake')
    const catalogue = open()
    server.lastingFault = { offline: true }
    await catalogue.manifest('fake')
    server.lastingFault = undefined
    server.requests.length = 0
    nowMs = 29_000
    await catalogue.manifest('fake')
    expect(server.requests).toHaveLength(0)
    nowMs = 31_000
    await catalogue.manifest('fake')
    expect(server.requests.map((request) => request.url)).toEqual([url, manifestUrl])
    nowMs = 100_000
    await catalogue.manifest('fake')
    expect(server.requests).toHaveLength(2)
  })

  test('not when it is damaged', async () => {
    await records.set(`catalog/${url}`, { format: 1, models: 'none' })
    server.lastingFault = { offline: true }
    await expect(open().list()).rejects.toMatchObject({ code: 'catalog-unavailable' })
  })
})

test.each<[string, Partial<Manifest>]>([
  ['name', { name: 'other' }],
  ['revision', { revision: '2' }],
])('a manifest of another %s than its entry is refused', async (_, changes) => {
  server.files.set('/models/fake/1/manifest.json', encode({ ...good, ...changes }))
  await expect(open().manifest('fake')).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: expect.stringContaining('but the catalogue promises fake@1'),
  })
})

test('a broken manifest is refused with its address', async () => {
  server.files.set('/models/fake/1/manifest.json', encode({ ...good, graph: 'gone.onnx' }))
  await expect(open().manifest('fake')).rejects.toMatchObject({
    code: 'manifest-invalid',
    message: expect.stringContaining(manifestUrl),
  })
})

test('a manifest address that is none of the web is refused', async () => {
  const models = [{ name: 'fake', revision: '1', manifest: 'file:///etc/passwd' }]
  server.files.set('/models/catalog.json', encode({ format: 1, models }))
  await expect(open().manifest('fake')).rejects.toMatchObject({ code: 'manifest-invalid' })
  expect(server.requests).toHaveLength(1)
})

test('an endless answer is cut off', async () => {
  server.files.set('/models/catalog.json', { bytes: new Uint8Array(17 * 1024 * 1024).fill(32) })
  const big = createFakeFileServer(
    { '/models/catalog.json': new Uint8Array(17 * 1024 * 1024).fill(32) },
    { pieceBytes: 2 ** 20 },
  )
  await expect(open({ fetch: big.fetch }).list()).rejects.toThrow('it is too large')
})

test('a caller that aborts leaves the others alone', async () => {
  const catalogue = open()
  const reason = new Error('gone')
  const other = catalogue.manifest('fake')
  await expect(catalogue.manifest('fake', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(await other).toEqual(good)
})

test('serves where nothing can be written', async () => {
  const set = async () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  expect(await open({ records: { ...records, set } }).manifest('fake')).toEqual(good)
})

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { writeModel } from '../../testing/write-model.ts'
import { loadModels } from './load-models.ts'

const graph = new Uint8Array([1, 2, 3])
const x: Manifest['inputs'][number] = { name: 'x', type: 'float32', shape: [1] }
const specs = { inputs: [x], outputs: [{ ...x, name: 'y' }], graph }
const wrongHash = '0'.repeat(64)

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-models-'))
})
afterEach(() => rm(dir, { recursive: true }))

const states = async () =>
  (await loadModels(dir)).records.map(({ name, revision, state }) => [name, revision, state.status])
const reasonOf = async () => {
  const [record] = (await loadModels(dir)).records
  return record?.state.status === 'refused' ? record.state.reason : undefined
}

describe('loadModels', () => {
  it('hands on the bytes that it verified', async () => {
    await writeModel(dir, { name: 'm', ...specs })
    const [record] = (await loadModels(dir)).records
    expect(record).toMatchObject({ name: 'm', revision: 'r1', manifestPath: 'm/r1/manifest.json' })
    expect(record?.state.status === 'ready' && new Uint8Array(record.state.shared.graph)).toEqual(graph)
  })

  it('finds models without a catalogue, the newest revision first, and writes one', async () => {
    for (const revision of ['r2', 'r10', 'r1']) await writeModel(dir, { name: 'm', revision, ...specs })
    await writeModel(dir, { name: 'a', ...specs })
    await mkdir(join(dir, 'empty', 'r1'), { recursive: true })
    await writeFile(join(dir, 'README.md'), '')
    const { records, catalog } = await loadModels(dir)
    expect(records.map(({ name, revision }) => `${name} ${revision}`)).toEqual(['a r1', 'm r10', 'm r2', 'm r1'])
    expect(catalog.models[1]).toEqual({ name: 'm', revision: 'r10', manifest: 'm/r10/manifest.json' })
  })

  it('takes what the catalogue names, and nothing else', async () => {
    for (const revision of ['r1', 'r2']) await writeModel(dir, { name: 'm', revision, ...specs })
    const models = [{ name: 'm', revision: 'r1', manifest: './m/r1/manifest.json' }]
    await writeFile(join(dir, 'catalog.json'), JSON.stringify({ format: 1, models }))
    expect(await states()).toEqual([['m', 'r1', 'ready']])
  })

  it('serves the others when one model lies', async () => {
    await writeModel(dir, {
      name: 'a',
      ...specs,
      manifest: { files: [{ path: 'model.onnx', bytes: 3, sha256: wrongHash }] },
    })
    await writeModel(dir, { name: 'b', ...specs })
    expect(await states()).toEqual([
      ['a', 'r1', 'refused'],
      ['b', 'r1', 'ready'],
    ])
  })

  it.each([
    ['the hash', { files: [{ path: 'model.onnx', bytes: 3, sha256: wrongHash }] }, /is not the file/],
    ['fewer bytes', { files: [{ path: 'model.onnx', bytes: 2, sha256: wrongHash }] }, /3 bytes.*says 2/],
    ['more bytes', { files: [{ path: 'model.onnx', bytes: 4, sha256: wrongHash }] }, /3 bytes.*says 4/],
    ['a file that is not there', { files: [{ path: 'weights', bytes: 3, sha256: wrongHash }] }, /can't be read/],
    ['a graph that is no file of it', { graph: 'other.onnx' }, /other.onnx.* not among its files/],
    [
      'its tokenizer',
      { preprocessing: { kind: 'tokens' as const, tokenizer: 't.json', maxTokens: 1 } },
      /t.json.* not among/,
    ],
    ['its name', { name: 'other' }, /that of other r1/],
    ['its revision', { revision: 'r9' }, /that of m r9/],
    ['a path that leads out', { files: [{ path: '../x', bytes: 3, sha256: wrongHash }] }, /is invalid/],
    ['an absolute path', { files: [{ path: '/etc/passwd', bytes: 3, sha256: wrongHash }] }, /is invalid/],
  ])('refuses a manifest that lies about %s', async (_, manifest, reason) => {
    await writeModel(dir, { name: 'm', ...specs, manifest })
    expect(await reasonOf()).toMatch(reason)
  })

  it('says of a model whose files lie elsewhere where to put them', async () => {
    const urls = ['https://example.com/weights']
    const files = [{ path: 'weights', bytes: 3, sha256: wrongHash, urls }]
    await writeModel(dir, { name: 'm', ...specs, manifest: { files } })
    expect(await reasonOf()).toMatch(/lie elsewhere; put them beside its manifest/)
  })

  it.each([
    '../m/manifest.json',
    '/etc/passwd',
    'https://example.com/manifest.json',
    'm/../../x',
    'm%2f..%2f..',
    'a\\b',
  ])('does not follow the catalogue to %s', async (manifest) => {
    await writeFile(
      join(dir, 'catalog.json'),
      JSON.stringify({ format: 1, models: [{ name: 'm', revision: 'r1', manifest }] }),
    )
    expect(await reasonOf()).toMatch(/does not lie below/)
  })

  it('refuses a model that is in the catalogue twice, the second time', async () => {
    await writeModel(dir, { name: 'm', ...specs })
    const entry = { name: 'm', revision: 'r1', manifest: 'm/r1/manifest.json' }
    await writeFile(join(dir, 'catalog.json'), JSON.stringify({ format: 1, models: [entry, entry] }))
    expect((await states()).map(([, , status]) => status)).toEqual(['ready', 'refused'])
  })

  it('refuses a manifest that is no JSON', async () => {
    await writeModel(dir, { name: 'm', ...specs })
    await writeFile(join(dir, 'm', 'r1', 'manifest.json'), '{')
    expect(await reasonOf()).toMatch(/can't be read/)
  })

  it('tells a folder that is not there, and a catalogue that is none', async () => {
    await expect(loadModels(join(dir, 'nowhere'))).rejects.toMatchObject({
      code: 'catalog-unavailable',
      message: expect.stringMatching(/no such folder/),
    })
    await writeFile(join(dir, 'catalog.json'), '{"format":2}')
    await expect(loadModels(dir)).rejects.toMatchObject({
      code: 'catalog-unavailable',
      message: expect.stringMatching(/no catalogue/),
    })
  })
})

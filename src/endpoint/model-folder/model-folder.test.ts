import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { writeModel } from '../../testing/write-model.ts'
import { findModel } from './find-model.ts'
import type { ModelRecord } from './load-models.ts'
import { openModelFolder } from './model-folder.ts'

const x: Manifest['inputs'][number] = { name: 'x', type: 'float32', shape: [1] }
const specs = { name: 'm', inputs: [x], outputs: [{ ...x, name: 'y' }], graph: new Uint8Array([1, 2, 3]) }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-folder-'))
  for (const revision of ['r1', 'r2']) await writeModel(dir, { ...specs, revision })
})
afterEach(() => rm(dir, { recursive: true }))

const entry = (revision: string) => ({ name: 'm', revision, manifest: `m/${revision}/manifest.json` })
const writeCatalogue = (serial: number, more: object = {}) =>
  writeFile(
    join(dir, 'catalog.json'),
    JSON.stringify({ format: 1, serial, models: [entry('r2'), entry('r1')], ...more }),
  )
const states = (records: readonly ModelRecord[]) =>
  records.map(({ revision, state }) => [revision, state.status === 'refused' ? state.reason : 'ready'])

describe('case 43: a folder whose catalogue changes', () => {
  const withdrawn = [{ name: 'm', revision: 'r2', reason: 'it sees faces in clouds' }]
  const gone = ['r2', 'The model m is not served: its revision r2 was withdrawn, it sees faces in clouds.']

  it('does not run what is withdrawn, and the next revision answers', async () => {
    await writeCatalogue(1, { withdrawn })
    const { models } = await openModelFolder(dir)
    expect(states(models.records)).toEqual([['r1', 'ready'], gone])
    expect(findModel(models.records, 'm').revision).toBe('r1')
    expect(models.records.find(({ revision }) => revision === 'r2')).not.toHaveProperty('manifest')
  })

  it('lets go of what is withdrawn while it runs', async () => {
    await writeCatalogue(1)
    const folder = await openModelFolder(dir)
    expect(findModel(folder.models.records, 'm').revision).toBe('r2')
    const released: string[] = []
    folder.onGone((records) => released.push(...records.map(({ revision }) => revision)))
    await writeCatalogue(2, { withdrawn })
    await folder.load('m')
    expect(states(folder.models.records)).toEqual([['r1', 'ready'], gone])
    expect(released).toContain('r2')
  })

  it('does not go back to an older catalogue, which would bring back what was withdrawn since', async () => {
    await writeCatalogue(2, { withdrawn })
    const folder = await openModelFolder(dir)
    await writeCatalogue(1)
    await expect(folder.load('m')).rejects.toMatchObject({
      code: 'cloud-refused',
      message: expect.stringMatching(/serial 1/),
    })
    expect(findModel(folder.models.records, 'm').revision).toBe('r1')
    expect(folder.models.catalog.serial).toBe(2)
  })
})

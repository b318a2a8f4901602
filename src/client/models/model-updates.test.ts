import { expect, test } from 'vitest'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import { createModelUpdates } from './model-updates.ts'

const one = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
const two = await fakeManifest({ 'model.onnx': new Uint8Array(2) }, { revision: '2' })

/** What is done, in order. @param fault of loading the newer revision, or of its download */
function setUp(fault: { readonly load?: Error; readonly install?: Error } = {}, isOutdated = true) {
  const done: string[] = []
  const background = {
    manifest: async () => one,
    isOutdated: async () => isOutdated,
    newer: async () => (isOutdated ? two : undefined),
    keepServing: async (_: string, revision: string) => void done.push(`keep ${revision}`),
    async install(_: string, revision: string, { priority }: { priority: string }) {
      done.push(`install ${revision} ${priority}`)
      if (fault.install) throw fault.install
    },
    readFiles: async () => ({ graph: new Uint8Array(2) }),
    switchTo: async (_: string, revision: string) => void done.push(`switch ${revision}`),
    refuse: async (_: string, revision: string) => void done.push(`refuse ${revision}`),
  } as unknown as Background
  const edge = {
    check: async () => {},
    measure: async () => {},
    async load() {
      done.push('load')
      if (fault.load) throw fault.load
    },
    unload: async ({ revision }: { revision: string }) => void done.push(`unload ${revision}`),
  } as unknown as EdgeEngine
  const edgeModels = { prepare: async () => void done.push('prepare') } as unknown as EdgeModels
  return { updates: createModelUpdates({ background, edge, edgeModels }), done }
}

test('a newer revision is fetched beside the old one, loaded with its canary, and only then serves', async () => {
  const { updates, done } = setUp()
  expect(await updates.update('fake')).toBe('2')
  expect(done).toEqual(['keep 1', 'install 2 waiting', 'load', 'switch 2', 'unload 1', 'prepare'])
})

test('following does so ahead of need, once a model, and only where there is one', async () => {
  const { updates, done } = setUp()
  await updates.follow('fake')
  expect(done).toContain('install 2 background')
  const before = done.length
  await updates.follow('fake')
  expect(done).toHaveLength(before)
  const none = setUp({}, false)
  await none.updates.follow('fake')
  expect(none.done).toEqual([])
})

test('a wrong answer is refused for good; a crash says nothing against the revision', async () => {
  const wrong = setUp({ load: new ModelError('model-wrong-answer', 'wrong') })
  await expect(wrong.updates.update('fake')).rejects.toMatchObject({ code: 'model-wrong-answer' })
  expect(wrong.done).toEqual(['keep 1', 'install 2 waiting', 'load', 'unload 2', 'refuse 2'])
  const crash = setUp({ load: new EdgeError('edge-crashed', 'crashed') })
  await crash.updates.follow('fake')
  expect(crash.done).toEqual(['keep 1', 'install 2 background', 'load', 'unload 2'])
})

test('a download that fails leaves the old one serving, untold when it was ahead of need', async () => {
  const { updates, done } = setUp({ install: new ModelError('download-failed', 'cut') })
  await updates.follow('fake')
  expect(done).toEqual(['keep 1', 'install 2 background'])
  await expect(updates.update('fake')).rejects.toMatchObject({ code: 'download-failed' })
})

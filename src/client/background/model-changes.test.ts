import { afterEach, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { Background } from './create-background.ts'
import { keepManifests } from './manifest-cache.ts'
import { createModelChanges, type ModelChanges } from './model-changes.ts'

const opened: ModelChanges[] = []
afterEach(() => {
  for (const changes of opened.splice(0)) changes.close()
})
let names = 0
function openTabs(manifests: Map<string, Manifest>) {
  names += 1
  const name = `changes-${names}-${Math.random()}`
  return [0, 1].map(() => {
    const changes = createModelChanges(name)
    opened.push(changes)
    changes.listen()
    const heard: unknown[] = []
    // The database that both tabs share.
    const background = {
      async manifest(model: string) {
        const found = manifests.get(model)
        if (found === undefined) throw new ValidationError('unknown-model', model)
        return found
      },
      remove: async (model: string) => void manifests.delete(model),
      async addModel() {
        const added = await fakeManifest({ 'm.onnx': Uint8Array.of(2) }, { name: 'mine', revision: '2' })
        manifests.set('mine', added)
        return 'mine'
      },
    } as Partial<Background> as Background
    const kept = keepManifests(background, () => 0, changes)
    changes.on((models, isOwn) => heard.push([models, isOwn]))
    return { kept, heard, changes }
  })
}

test('what one tab removes or adds, no other tab goes on with, however fresh its copy is', async () => {
  const mine = await fakeManifest({ 'm.onnx': Uint8Array.of(1) }, { name: 'mine', revision: '1' })
  const [here, there] = openTabs(new Map([['mine', mine]]))
  if (here === undefined || there === undefined) return
  expect((await there.kept.manifest('mine')).revision).toBe('1')
  await here.kept.remove('mine')
  await expect.poll(() => there.heard).toEqual([[['mine'], false]])
  await expect(there.kept.manifest('mine')).rejects.toMatchObject({ code: 'unknown-model' })
  await here.kept.addModel(
    { url: 'https://a.test/m.onnx' },
    { signal: new AbortController().signal, onProgress: () => {} },
  )
  await expect.poll(() => there.heard.length).toBe(2)
  expect((await there.kept.manifest('mine')).revision).toBe('2')
  expect(here.heard).toEqual([
    [['mine'], true],
    [['mine'], true],
  ])
})

test('nothing is told of what failed, and nothing is heard once closed', async () => {
  const [here, there] = openTabs(new Map())
  if (here === undefined || there === undefined) return
  await expect(
    keepManifests({ remove: () => Promise.reject(new Error('full')) } as Partial<Background> as Background, undefined, {
      tell: () => expect.unreachable(),
      on: () => {},
    }).remove('mine'),
  ).rejects.toThrow('full')
  there.changes.close()
  here.changes.tell(undefined)
  here.changes.tell(['other'])
  there.changes.listen()
  expect(here.heard).toEqual([
    [undefined, true],
    [['other'], true],
  ])
  expect(there.heard).toEqual([])
})

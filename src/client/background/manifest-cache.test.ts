import { expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import type { Background } from './create-background.ts'
import { createManifestCache, keepManifests } from './manifest-cache.ts'

/** A catalogue that gives one answer after the other; `gone` is none. */
async function open(...revisions: string[]) {
  const answers = await Promise.all(
    revisions.map((revision) => fakeManifest({ 'model.onnx': Uint8Array.of(1) }, { revision })),
  )
  let now = 0
  let asked = 0
  const loads: Promise<Manifest>[] = []
  const answerNext = async (): Promise<Manifest> => {
    const answer = answers[Math.min(asked, answers.length - 1)]
    asked += 1
    if (answer === undefined || answer.revision === 'gone') throw new Error('unknown-model')
    return answer
  }
  const load = () => {
    const loading = answerNext()
    loads.push(loading)
    return loading
  }
  const clock = () => now
  const at = async (ms: number, { manifest }: { manifest(name: string): Promise<Manifest> }) => {
    now = ms
    const found = await manifest('model').then(
      ({ revision }) => revision,
      (error: Error) => error.message,
    )
    // Also what is asked beside the request.
    await Promise.allSettled(loads)
    return [found, asked]
  }
  return { load, clock, at, cache: createManifestCache(load, clock) }
}

test('the catalogue is asked once by requests that follow each other, and beside one that comes later', async () => {
  const { at, cache } = await open('1', '2')
  expect(await at(0, cache)).toEqual(['1', 1])
  expect(await at(999, cache)).toEqual(['1', 1])
  expect(await at(1_000, cache)).toEqual(['1', 2])
  expect(await at(1_001, cache)).toEqual(['2', 2])
})

test('after a pause the catalogue is asked first', async () => {
  const { at, cache } = await open('1', '2')
  expect(await at(0, cache)).toEqual(['1', 1])
  expect(await at(10_001, cache)).toEqual(['2', 2])
})

test('a model that was withdrawn is refused by the request after the next, and one that comes back is known again', async () => {
  const { at, cache } = await open('1', 'gone', 'gone', '3')
  expect(await at(0, cache)).toEqual(['1', 1])
  expect(await at(5_000, cache)).toEqual(['1', 2])
  expect(await at(5_001, cache)).toEqual(['unknown-model', 3])
  expect(await at(5_002, cache)).toEqual(['3', 4])
})

test('what changes a model lets the next request ask, also what is answered while it changes', async () => {
  const { load, clock, at } = await open('1', '1', '2')
  let finish = () => {}
  const background = {
    manifest: load,
    switchTo: () =>
      new Promise<void>((resolve) => {
        finish = resolve
      }),
  } as Partial<Background> as Background
  const kept = keepManifests(background, clock)
  expect(await at(0, kept)).toEqual(['1', 1])
  const switched = kept.switchTo('model', '2')
  expect(await at(1, kept)).toEqual(['1', 2])
  finish()
  await switched
  expect(await at(2, kept)).toEqual(['2', 3])
})

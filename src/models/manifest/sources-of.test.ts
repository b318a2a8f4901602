import { expect, test } from 'vitest'
import { sourcesOf } from './sources-of.ts'

const file = (path: string, bytes: number, urls?: string[]) => ({ path, bytes, sha256: '', ...(urls && { urls }) })

test('a model’s servers, with the bytes of each; the first address of a file counts', () => {
  const files = [
    file('model.onnx', 10),
    file('weights.bin', 500, ['https://hub.example/w', 'https://mirror.example/w']),
    file('labels.txt', 5),
  ]
  expect(sourcesOf({ files }, 'https://models.example/m/1/manifest.json')).toEqual([
    { origin: 'https://models.example', bytes: 15 },
    { origin: 'https://hub.example', bytes: 500 },
  ])
})

test('a model from files that were dropped here has none', () => {
  expect(sourcesOf({ files: [file('model.onnx', 10)] }, '')).toEqual([])
})

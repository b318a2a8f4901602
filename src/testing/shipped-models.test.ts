import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as native from 'onnxruntime-node'
import * as web from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import type { TensorData } from '../contracts/tensor.ts'
import { parseCatalog, parseManifest } from '../models/manifest/parse-manifest.ts'
import { textToTensor } from '../tasks/text/text-to-tensor.ts'

// The models that come with Hither, whole and right on both arms' engines: onnxruntime-node, and onnxruntime-web on
// WASM, which runs in Node too. Models that are only listed, with their files elsewhere, are not meant here, and models
// that write have a test of their own (shipped-writers.test.ts).

const models = 'packages/hither-models/models'
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const catalog = parseCatalog(readJson(join(models, 'catalog.json')), 'catalog.json')
/** What comes with Hither: a model whose files lie at addresses of their own is fetched when somebody asks for it. */
const shipped = catalog.models.filter(({ manifest }) => {
  const path = join(models, manifest)
  if (!existsSync(path)) return false
  const { files, generation } = parseManifest(readJson(path), path)
  return generation === undefined && files.every(({ urls }) => urls === undefined)
})

const texts = [
  'What is the weather like in Reykjavík tomorrow?',
  'a',
  'ελληνικά και русский',
  '電話番号を教えてください。',
  '¿¡… 12:30 !!',
  '😀 👩‍👩‍👧 \ud83d',
  'שלום עולם',
  'i need to transfer $50 from checking to savings, please; what is the routing number ',
  'x'.repeat(300),
  'word, '.repeat(200),
]

for (const entry of shipped) {
  describe(entry.name, () => {
    const path = join(models, entry.manifest)
    const manifest = parseManifest(readJson(path), path)
    const [file] = manifest.files
    const bytes = readFileSync(join(path, '..', manifest.graph))
    let runs: ((inputs: Readonly<Record<string, TensorData>>) => Promise<ArrayLike<number>>)[]

    beforeAll(async () => {
      const inNode = await native.InferenceSession.create(bytes, { logSeverityLevel: 3 })
      web.env.wasm.numThreads = 1
      const inWasm = await web.InferenceSession.create(new Uint8Array(bytes), { logSeverityLevel: 3 })
      const first = (results: web.InferenceSession.OnnxValueMapType) => results.probabilities?.data as Float32Array
      runs = [inNode, inWasm].map((session) => async (inputs) => {
        const made = Object.entries(inputs).map(([input, { type, data, dims }]) => {
          const values = type === 'int32' ? Int32Array.from(data, Number) : Uint8Array.from(data, Number)
          return [input, new web.Tensor(type as 'int32' | 'uint8', values, dims)]
        })
        return first(await session.run(Object.fromEntries(made)))
      })
    }, 60_000)

    const farthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Math.max(...Array.from(a, (value, index) => Math.abs(value - (b[index] ?? Number.NaN))))

    test('its file is the one that the manifest names', () => {
      expect(bytes.length).toBe(file?.bytes)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file?.sha256)
    })

    test('both engines give the canary its answer', async () => {
      const { inputs = [], outputs: [answer] = [] } = manifest.canary ?? {}
      const given = inputs.map(({ name: input, type, shape, data }) => [
        input,
        { type, dims: shape, data: type === 'int32' ? Int32Array.from(data) : Uint8Array.from(data) },
      ])
      for (const run of runs) {
        expect(farthest(await run(Object.fromEntries(given)), answer?.data ?? [])).toBeLessThan(
          manifest.tolerance.absolute,
        )
      }
    })

    const steps = manifest.preprocessing
    if (steps?.kind !== 'text') return
    test.each(texts)('both engines read %j alike', async (text) => {
      const [a, b] = await Promise.all(runs.map((run) => run({ text: textToTensor(text, steps) })))
      expect(farthest(a ?? [], b ?? [])).toBeLessThan(1e-4)
    })
  })
}

test('the models that come with Hither are in the catalogue', () => {
  expect(shipped.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['digits', 'language-identification', 'intents-small', 'intents-large']),
  )
})

import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { tensorTypes } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { parseCatalog, parseManifest } from './parse-manifest.ts'

const where = 'https://models.test/m/manifest.json'
const good = await fakeManifest(
  { 'model.onnx': new Uint8Array([1, 2]), 'weights.bin': new Uint8Array([3]) },
  {
    canary: {
      inputs: [{ name: 'x', type: 'float32', shape: [1, 2], data: [0, 1] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1, 2], data: [0, 1] }],
    },
  },
)
const [file] = good.files
const literal = { name: 'x', type: 'float32', shape: [1, 2], data: [0, 1] } as const

const picture = { kind: 'picture', width: 2, height: 2, fit: 'stretch', channels: 'rgb', layout: 'nchw' }
const pictureInputs = [{ name: 'x', type: 'float32', shape: [1, 3, 2, 2] }]
const boxes = { kind: 'boxes', boxes: 'y', scores: 'z', form: 'corners', minScore: 0.5, maxOverlap: 0.5 }

const half = (name: string, shape: number[]) => ({ name, type: 'float16', shape })
const words = { name: 'y', type: 'string', shape: [1] }
const text = { kind: 'text', encoding: 'code-points', normalization: 'NFC', lowerCase: true, maxLength: 8 }
/** A model whose input is of this type, and a canary that gives it this number. */
const typed = (type: string, value: number) => ({
  inputs: [{ name: 'x', type, shape: [1] }],
  canary: {
    inputs: [{ name: 'x', type, shape: [1], data: [value] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 2], data: [0, 1] }],
  },
})

function changed(changes: object): unknown {
  return { ...structuredClone(good), ...changes }
}

test('a good manifest passes as it is', () => {
  expect(parseManifest(structuredClone(good), where)).toEqual(good)
  const whole = changed({
    externalData: ['weights.bin'],
    requires: { backends: ['webgpu'], shaderF16: true, maxBufferBytes: 1, memoryBytes: 2 },
    state: [{ input: 'x', output: 'y', shape: [0, 2] }],
  })
  expect(parseManifest(structuredClone(whole), where)).toEqual(whole)
})

describe('a bad manifest is refused with a sentence that names the field', () => {
  test.each<[unknown, string]>([
    [null, 'Expected Object'],
    ['<html>', 'Expected Object'],
    [changed({ format: 2 }), '"format"'],
    [changed({ name: '../up' }), '"name": not a plain name'],
    [changed({ files: [] }), '"files"'],
    [changed({ files: [{ ...file, bytes: -1 }] }), '"files.0.bytes"'],
    [changed({ files: [{ ...file, bytes: '12' }] }), '"files.0.bytes"'],
    [changed({ files: [{ ...file, sha256: 'abc' }] }), '"files.0.sha256": sha256 must be 64'],
    [changed({ files: [{ ...file, path: '../../x' }] }), '"files.0.path": a file path must be relative'],
    [changed({ files: [{ ...file, path: 'https://evil.test/x' }] }), '"files.0.path"'],
    [changed({ files: [{ ...file, path: '/etc/x' }] }), '"files.0.path"'],
    [changed({ files: [{ ...file, path: 'C:/x' }] }), '"files.0.path"'],
    [changed({ files: [{ ...file, path: '..\\x' }] }), '"files.0.path"'],
    [changed({ files: [{ ...file, path: 'x\u0000y' }] }), '"files.0.path"'],
    [changed({ files: [{ ...file, path: 'x\ud800' }] }), '"files.0.path"'],
    [changed({ files: [file, { ...file, path: 'a//b' }, { ...file, path: 'a/b' }] }), '"files" has a/b twice'],
    [changed({ files: [file, file] }), '"files" has model.onnx twice'],
    [changed({ files: [file, { ...file, path: './model.onnx' }] }), '"files" has'],
    [changed({ graph: 'other.onnx' }), '"graph" names other.onnx, which is not one of "files"'],
    [changed({ files: [{ ...file, bytes: 2 ** 31 + 1 }] }), '"files" have 2147483649 bytes'],
    [changed({ externalData: ['weights.data'] }), '"externalData" names weights.data, which is not one of "files"'],
    [changed({ requires: { backends: [] } }), '"requires.backends"'],
    [
      changed({ preprocessing: { kind: 'tokens', tokenizer: 'tokenizer.json', maxTokens: 8 } }),
      '"preprocessing" names tokenizer.json, which is not one of "files"',
    ],
    [
      changed({ preprocessing: { kind: 'tokens', tokenizer: 'weights.bin', maxTokens: 8 } }),
      '"preprocessing" makes "input_ids", which is no input',
    ],
    [
      changed({ decoding: { kind: 'embedding', output: 'z', pooling: 'mean' } }),
      '"decoding" names "z", which is not one of "outputs"',
    ],
    [changed({ state: [{ input: 'z', output: 'y', shape: [1, 2] }] }), '"state" names "z", which is not one of'],
    [changed({ state: [{ input: 'x', output: 'z', shape: [1, 2] }] }), '"state" names "z", which is not one of'],
    [changed({ state: [{ input: 'x', output: 'y', shape: [1, 3] }] }), '"state" starts "x" in shape [1, 3]'],
    [changed({ inputs: [] }), '"inputs"'],
    [
      changed({ wire: [{ input: 'z', type: 'uint8', mean: [0], scale: [1] }] }),
      '"wire" names "z", which is not a float32',
    ],
    [changed({ wire: [{ input: 'x', type: 'uint8', mean: [], scale: [1] }] }), '"wire.0.mean"'],
    [changed({ decoding: { kind: 'classes', output: 'z' } }), '"decoding" names "z", which is not one of "outputs"'],
    [changed({ decoding: { ...boxes, minScore: 2 } }), '"decoding.minScore"'],
    [changed({ decoding: boxes }), '"decoding" names "z", which is not one of "outputs"'],
    [changed({ preprocessing: picture }), '"preprocessing" makes [1, 3, 2, 2], but "x" is'],
    [changed({ preprocessing: picture, inputs: pictureInputs }), '"preprocessing" makes bytes: "x" must be uint8, or'],
    [changed({ preprocessing: { ...picture, fit: 'squeeze' } }), '"preprocessing.fit"'],
    [
      changed({ preprocessing: { kind: 'sound', rateHz: 16_000, windowSamples: 512 } }),
      '"preprocessing" makes float32 [1, 512]',
    ],
    [
      changed({ preprocessing: { kind: 'ink', size: 2, inkSize: 2 } }),
      '"preprocessing" makes [1, 1, 2, 2], but "x" is',
    ],
    [
      changed({ preprocessing: { kind: 'ink', size: 2, inkSize: 2 }, inputs: [half('x', [-1, 1, 2, 2])] }),
      '"preprocessing" makes bytes: "x" must be uint8, or',
    ],
    [
      changed({ preprocessing: text, inputs: [{ name: 'x', type: 'int64', shape: [1, -1] }] }),
      '"preprocessing" makes int32 [1, any], but "x" is int64 [1, any]',
    ],
    [
      changed({
        preprocessing: { kind: 'tokens', tokenizer: 'weights.bin', maxTokens: 8 },
        inputs: [half('input_ids', [1, -1])],
      }),
      '"preprocessing" makes whole numbers: "input_ids" must be int64 or int32, but is float16',
    ],
    [
      changed({ outputs: [words], decoding: { kind: 'classes', output: 'y' } }),
      '"decoding" reads numbers, but the out',
    ],
    [
      changed({ outputs: [words], task: 'text-classification', labels: ['a'] }),
      '"decoding" reads numbers, but the out',
    ],
    [changed({ preprocessing: { kind: 'smell' } }), '"preprocessing.kind"'],
    [changed({ inputs: [good.inputs[0], good.inputs[0]] }), '"inputs" has "x" twice'],
    [changed({ outputs: [{ name: 'y', type: 'complex64', shape: [] }] }), '"outputs.0.type"'],
    [changed({ canary: { inputs: [], outputs: [literal] } }), '"canary.inputs" lacks "x"'],
    [changed({ canary: { inputs: [literal], outputs: [] } }), '"canary.outputs" is empty'],
    [changed({ canary: { inputs: [literal], outputs: [literal] } }), '"canary.outputs" has "x", which is not'],
    [changed({ canary: { inputs: [literal, literal], outputs: [literal] } }), '"canary.inputs" has "x" twice'],
    [changed({ canary: { ...good.canary, inputs: [{ ...literal, type: 'uint8' }] } }), 'as uint8, but the model'],
    [changed({ canary: { ...good.canary, inputs: [{ ...literal, shape: [1, 3] }] } }), 'shape [1, 3], but the model'],
    [changed({ canary: { ...good.canary, inputs: [{ ...literal, data: [1] }] } }), 'has 1 values in "x"'],
    [changed({ ...typed('int64', 0.5) }), '"canary.inputs" has 0.5 in "x", which is no value of int64'],
    [changed({ ...typed('uint8', 256) }), '"canary.inputs" has 256 in "x", which is no value of uint8'],
    [changed({ ...typed('bool', 2) }), '"canary.inputs" has 2 in "x", which is no value of bool'],
    [changed({ ...typed('float16', 1e6) }), '"canary.inputs" has 1000000 in "x", which is no value of float16'],
    [changed({ ...typed('string', 1) }), '"canary.inputs" has "x" as string, but its values can only be numbers'],
  ])('%#', (value, part) => {
    expect(() => parseManifest(value, where)).toThrow(ModelError)
    expect(() => parseManifest(value, where)).toThrow(`The manifest at ${where} cannot be used: `)
    expect(() => parseManifest(value, where)).toThrow(part)
  })
})

test.each(tensorTypes.filter((type) => type !== 'string'))('an output of %s may be decoded', (type) => {
  const outputs = [{ name: 'y', type, shape: [1, 2] }]
  const value = changed({ outputs, canary: undefined, decoding: { kind: 'classes', output: 'y' } })
  expect(parseManifest(value, where).outputs).toEqual(outputs)
})

test('whatever the JSON, it is a manifest or a ModelError, and a manifest has its graph', () => {
  const key = fc.constantFrom(...(Object.keys(good) as (keyof Manifest)[]))
  void fc.assert(
    fc.property(key, fc.jsonValue(), (name, value) => {
      try {
        const manifest = parseManifest(changed({ [name]: value }), where)
        expect(manifest.files.map((entry) => entry.path)).toContain(manifest.graph)
      } catch (error) {
        expect(error).toMatchObject({ name: 'ModelError', code: 'manifest-invalid' })
      }
    }),
  )
})

describe('a catalogue', () => {
  const entry = { name: 'a', revision: '1', manifest: 'a/manifest.json' }

  test('passes as it is', () => {
    expect(parseCatalog({ format: 1, models: [entry] }, where)).toEqual({ format: 1, models: [entry] })
  })

  test.each<[unknown, string]>([
    ['<html>', 'Expected Object'],
    [{ format: 2, models: [] }, '"format"'],
    [{ format: 1, models: [{ ...entry, revision: '' }] }, '"models.0.revision"'],
    [{ format: 1, models: [entry, entry] }, '"models" has "a" twice'],
  ])('is refused with the field that is wrong: %#', (value, part) => {
    expect(() => parseCatalog(value, where)).toThrow(part)
    expect(() => parseCatalog(value, where)).toThrow(expect.objectContaining({ code: 'catalog-unavailable' }))
  })
})

test('the manifests of the catalogue pass', async () => {
  const folder = new URL('../../../packages/hither-models/models/', import.meta.url)
  const { models } = parseCatalog(JSON.parse(await readFile(new URL('catalog.json', folder), 'utf8')), 'catalog.json')
  expect(models.length).toBeGreaterThanOrEqual(4)
  for (const { name, revision, manifest } of models) {
    const parsed = parseManifest(JSON.parse(await readFile(new URL(manifest, folder), 'utf8')), manifest)
    expect([parsed.name, parsed.revision]).toEqual([name, revision])
    expect(parsed.license.name).not.toBe('')
  }
})

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exportedDecoder } from '../../testing/exported-decoder.ts'
import { writeModel } from '../../testing/write-model.ts'
import { optimizeLm } from '../cli/models-command.ts'
import { loadModels } from '../model-folder/load-models.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-optimizing-'))
})
afterEach(() => rm(dir, { recursive: true }))

const optimize = (...args: string[]) => optimizeLm(args, new AbortController().signal)
const float = (name: string, ...shape: number[]) => ({ name, type: 'float32' as const, shape })
const past = [0, 1].flatMap((layer) => ['key', 'value'].map((part) => `${layer}.${part}`))

/** A decoder as an operator has it, in revision 1. */
const write = async () =>
  writeModel(dir, {
    name: 'writer',
    revision: '1',
    graph: await exportedDecoder({}),
    inputs: [
      { name: 'input_ids', type: 'int64', shape: [-1, -1] },
      { name: 'attention_mask', type: 'int64', shape: [-1, -1] },
      ...past.map((name) => float(`past_key_values.${name}`, -1, 2, -1, 16)),
    ],
    outputs: [float('logits', -1, -1, 40), ...past.map((name) => float(`present.${name}`, -1, 2, -1, 16))],
  })

test('a model gets a new revision that is served, and the old one stays', async () => {
  await write()
  const before = await readFile(join(dir, 'writer', '1', 'model.onnx'))
  expect(await optimize(join(dir, 'writer', '1'))).toBe(
    '2 attentions are written out; logits are those of the last token.\nwriter 2 is beside 1.',
  )
  const { records } = await loadModels(dir)
  expect(records.map(({ revision, state }) => [revision, state.status])).toEqual([
    ['2', 'ready'],
    ['1', 'ready'],
  ])
  expect(records[0]?.manifest?.outputs[0]?.shape).toEqual([-1, 1, 40])
  expect(await readFile(join(dir, 'writer', '1', 'model.onnx'))).toEqual(before)
  await expect(optimize(join(dir, 'writer', '1'))).rejects.toMatchObject({ code: 'model-exists' })
  expect((await readdir(dir)).sort()).toEqual(['writer'])
})

test('a catalogue lists the new revision first', async () => {
  await write()
  const entry = (revision: string) => ({ name: 'writer', revision, manifest: `writer/${revision}/manifest.json` })
  await writeFile(join(dir, 'catalog.json'), JSON.stringify({ format: 1, models: [entry('1')] }))
  await optimize(join(dir, 'writer', '1'))
  const { models } = JSON.parse(await readFile(join(dir, 'catalog.json'), 'utf8'))
  expect(models).toEqual([entry('2'), entry('1')])
})

test('graphs of a folder as the hub has them are replaced', async () => {
  await mkdir(join(dir, 'onnx'))
  const path = join(dir, 'onnx', 'model.onnx')
  await writeFile(path, await exportedDecoder({ rotary: true }))
  expect(await optimize(dir)).toContain('model.onnx: 2 attentions are written out')
  const session = await InferenceSession.create(path)
  expect(session.inputNames).toContain('input_ids')
  await session.release()
  expect(await readdir(join(dir, 'onnx'))).toEqual(['model.onnx'])
})

test('what can not be rewritten stays as it is', async () => {
  const path = join(dir, 'model.onnx')
  await writeFile(path, await exportedDecoder({ softcap: 30 }))
  const before = await readFile(path)
  await expect(optimize(dir)).rejects.toMatchObject({ code: 'onnx-unsupported' })
  expect(await readFile(path)).toEqual(before)
  await rm(path)
  await expect(optimize(dir)).rejects.toMatchObject({ code: 'config-invalid' })
  await expect(optimize()).rejects.toMatchObject({ code: 'config-invalid' })
  await expect(optimize('a', 'b')).rejects.toMatchObject({ code: 'config-invalid' })
})

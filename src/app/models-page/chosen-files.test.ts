import { expect, test } from 'vitest'
import { toAddSteps } from './chosen-files.ts'

const file = (name: string, content = 'x') => new File([content], name)
const stepsOf = async (...files: File[]) =>
  (await toAddSteps(files)).map((step) =>
    step.kind === 'import' ? `import ${step.file.name}` : `add ${step.files.map(({ name }) => name).join(' + ')}`,
  )

test('each model is added by itself, each archive brought in', async () => {
  expect(await stepsOf(file('a.onnx'), file('b.ONNX'))).toEqual(['add a.onnx', 'add b.ONNX'])
  expect(await stepsOf(file('A.ZIP'), file('b.onnx'), file('c.zip'))).toEqual([
    'import A.ZIP',
    'import c.zip',
    'add b.onnx',
  ])
  expect(await stepsOf(file('download', 'PK\u0003\u0004…'))).toEqual(['import download'])
})

test('other files may be any model’s weights; alone they are given as they are', async () => {
  expect(await stepsOf(file('w.bin'), file('a.onnx'), file('b.onnx'))).toEqual([
    'add a.onnx + w.bin',
    'add b.onnx + w.bin',
  ])
  expect(await stepsOf(file('w.bin'), file('v.bin'))).toEqual(['add w.bin + v.bin'])
  expect(await stepsOf()).toEqual([])
})

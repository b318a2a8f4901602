import { expect, test } from 'vitest'
import { pageFor } from './page-for-files.ts'

const file = (name: string, type = '') => ({ name, type })

test.each(['a.onnx', 'A.ONNX', 'a.zip', 'a.onnx_data', 'a.onnx.data', 'a.ort', 'a.safetensors', '模型.gguf'])(
  '%s goes to the models, whichever page is shown',
  (name) => {
    expect(pageFor([file('cat.png', 'image/png'), file(name)], 'home')).toBe('models')
    expect(pageFor([file(name)], 'routes')).toBe('models')
  },
)

test('a picture, a sound or a text goes home, also from the page of models', () => {
  for (const type of ['image/png', 'audio/wav', 'text/plain']) expect(pageFor([file('x', type)], 'models')).toBe('home')
})

test('anything else is for the page that is shown', () => {
  expect(pageFor([file('w.bin')], 'models')).toBe('models')
  expect(pageFor([file('w.bin')], 'home')).toBe('home')
})

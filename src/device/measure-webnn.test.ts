import { expect, test } from 'vitest'
import { measureWebnn } from './measure-webnn.ts'

class FakeBuilder {
  input = () => ({})
  constant = () => ({})
  matmul = () => ({})
  build = async () => ({})
}
const context = (readTensor: () => Promise<ArrayBuffer>) => ({
  createTensor: async () => ({}),
  writeTensor: () => {},
  dispatch: () => {},
  readTensor,
})

test('a browser without WebNN has none, and one that offers no device has none either', async () => {
  expect(await measureWebnn({ environment: { ml: undefined, GraphBuilder: undefined } })).toMatchObject({
    status: 'absent',
  })
  const ml = { createContext: () => Promise.reject(new DOMException('not supported', 'NotSupportedError')) }
  expect(await measureWebnn({ environment: { ml, GraphBuilder: FakeBuilder as never } })).toMatchObject({
    status: 'absent',
  })
})

test('a device is measured, and one that fails says so', async () => {
  const good = { createContext: async () => context(async () => new ArrayBuffer(4)) }
  const measured = await measureWebnn({ environment: { ml: good, GraphBuilder: FakeBuilder as never } })
  expect(measured).toMatchObject({ backend: 'webnn', status: 'measured' })
  expect(measured.macsPerSecond).toBeGreaterThan(0)
  const bad = { createContext: async () => context(() => Promise.reject(new Error('lost'))) }
  expect(await measureWebnn({ environment: { ml: bad, GraphBuilder: FakeBuilder as never } })).toMatchObject({
    status: 'failed',
    detail: 'lost',
  })
})

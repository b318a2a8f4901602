import { expect, test } from 'vitest'
import { createLossCount } from './loss-count.ts'

const countOf = (...backends: ('wasm' | 'webgpu')[]) => {
  const setAside: unknown[] = []
  const onLoss = createLossCount(backends, { quarantine: (...args) => void setAside.push(args) })
  return { onLoss, setAside }
}

test('WebGPU is set aside at the second death of its worker, and deaths of WASM workers do not count', () => {
  const { onLoss, setAside } = countOf('wasm', 'webgpu')
  onLoss({ flavor: 'jspi' })
  onLoss({ flavor: 'wasm' })
  onLoss({ flavor: 'wasm' })
  expect(setAside).toEqual([])
  onLoss({ flavor: 'jspi' })
  expect(setAside).toEqual([['webgpu', 'lost']])
})

test('WebGPU is used on where WASM may not be used instead', () => {
  const { onLoss, setAside } = countOf('webgpu')
  for (let death = 0; death < 3; death += 1) onLoss({ flavor: 'asyncify' })
  expect(setAside).toEqual([])
})

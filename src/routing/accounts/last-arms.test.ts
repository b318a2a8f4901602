import { expect, test } from 'vitest'
import { createLastArms } from './last-arms.ts'

test('it knows the last arm of each model, and forgets the least recently used', () => {
  const lastArms = createLastArms(2)
  lastArms.set('a', 'edge')
  lastArms.set('b', 'edge')
  lastArms.set('a', 'cloud')
  lastArms.set('c', 'edge')
  expect(['a', 'b', 'c', 'd'].map(lastArms.of)).toEqual(['cloud', undefined, 'edge', undefined])
})

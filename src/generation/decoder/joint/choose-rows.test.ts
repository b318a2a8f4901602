import { expect, test } from 'vitest'
import { chooseRows } from './choose-rows.ts'

test.each([
  ['texts of the same length belong together', [64, 64, 64], 0, [0, 1, 2]],
  ['those of about the same length do, where some places may be empty', [128, 64, 128], 64, [0, 1, 2]],
  ['not where more would be empty', [128, 64, 128], 63, [0, 2]],
  ['a long one is left out', [64, 2048, 64, 128], 200, [0, 2, 3]],
  ['so is a short one', [512, 64, 512, 512], 100, [0, 2, 3]],
  ['as many as possible', [64, 64, 512, 512, 512], 0, [2, 3, 4]],
  ['none belong together', [64, 512, 1024], 10, [0]],
  ['one', [64], 10, [0]],
  ['none', [], 10, []],
])('%s', (_, places, emptyPlaces, expected) => {
  expect([...chooseRows(places, emptyPlaces)].sort()).toEqual(expected)
})

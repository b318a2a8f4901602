import * as v from 'valibot'
import { expect, test } from 'vitest'
import { randomId } from './random-id.ts'

test('ids are UUIDs of version 4, and no two are alike, beyond what is fetched at once', () => {
  const ids = Array.from({ length: 1_000 }, randomId)
  for (const id of ids) expect(v.is(v.pipe(v.string(), v.uuid()), id), id).toBe(true)
  for (const id of ids) expect(id).toMatch(/^.{8}-.{4}-4.{3}-[89ab].{3}-.{12}$/)
  expect(new Set(ids).size).toBe(1_000)
})

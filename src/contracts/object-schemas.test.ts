import * as v from 'valibot'
import { expect, test } from 'vitest'
import { withExtendedPrototypes } from '../testing/extended-prototypes.ts'
import { looseObject, object, strictObject } from './object-schemas.ts'

const entries = { a: v.number(), b: v.optional(v.string()) }
type MakeSchema = (entries: v.ObjectEntries) => v.GenericSchema
const schemas: Record<string, MakeSchema> = { object, strictObject, looseObject }

test.each(Object.entries(schemas))('what every object inherits is not read: %s', async (_, make) => {
  const outputs = await withExtendedPrototypes(() => {
    // Made before or after the other script ran: a page decides on that.
    const schema = make({ ...entries, inner: v.optional(make(entries)) })
    return [{ a: 1 }, { a: 1, b: 'x', inner: { a: 2 } }].map((given) => v.safeParse(schema, given))
  })
  expect(outputs.map(({ output }) => output)).toEqual([{ a: 1 }, { a: 1, b: 'x', inner: { a: 2 } }])
  expect(outputs.map(({ issues }) => issues)).toEqual([undefined, undefined])
})

test('a schema that was made before the page’s other scripts ran is the same', async () => {
  const schema = strictObject({ a: v.variant('kind', [strictObject({ kind: v.literal('x') })]) })
  const parsed = await withExtendedPrototypes(() => v.safeParse(schema, { a: { kind: 'x' } }))
  expect(parsed.output).toEqual({ a: { kind: 'x' } })
})

test('what is the object’s own is held against the schema as ever', async () => {
  class Options {
    get a() {
      return 1
    }
  }
  const parse = (given: unknown) => v.safeParse(strictObject(entries), given)
  const [unknown, missing, ofClass] = await withExtendedPrototypes(() => [
    parse({ a: 1, c: 2 }),
    parse({}),
    parse(new Options()),
  ])
  expect(unknown?.issues?.[0]?.path?.[0]?.key).toBe('c')
  expect(missing?.issues?.[0]?.path?.[0]?.key).toBe('a')
  expect(ofClass?.output).toEqual({ a: 1 })
  for (const given of [{ a: 1, c: 2 }, {}, null, 'text']) expect(parse(given).success).toBe(false)
})

test('a property that the object lacks is not taken from Object.prototype', async () => {
  const schema = object({ extendMe: v.optional(v.number()) })
  expect((await withExtendedPrototypes(() => v.safeParse(schema, {}))).output).toEqual({})
})

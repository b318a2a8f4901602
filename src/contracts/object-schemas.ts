import * as v from 'valibot'

/** Has a script given every object enumerable properties, such as `Object.prototype.extend`? */
function isExtended(): boolean {
  for (const _ in {}) return true
  return false
}

/** An object's properties without those that every object inherits. Getters of its class are among them. */
function ownView(given: object, names: readonly string[]): object {
  const belongs = (name: string) => {
    for (let holder: object | null = given; holder !== null; holder = Object.getPrototypeOf(holder)) {
      if (Object.hasOwn(holder, name)) return holder === given || Object.getPrototypeOf(holder) !== null
    }
    return false
  }
  const view: Record<string, unknown> = Object.create(null)
  const listed: string[] = []
  for (const name in given) listed.push(name)
  for (const name of [...listed, ...names]) {
    if (name !== '__proto__' && belongs(name)) view[name] = (given as Record<string, unknown>)[name]
  }
  return view
}

interface ObjectSchema extends v.GenericSchema<unknown, unknown> {
  readonly entries: object
}

/** valibot walks entries and input by `for in`, and takes what every object inherits for properties of theirs. */
function guard(schema: ObjectSchema): ObjectSchema {
  const names = Object.keys(schema.entries)
  const guarded: ObjectSchema = {
    ...schema,
    entries: Object.assign(Object.create(null), schema.entries),
    '~run'(dataset, config) {
      const { value } = dataset
      const isObject = typeof value === 'object' && value !== null
      const input = isObject && isExtended() ? { ...dataset, value: ownView(value, names) } : dataset
      return schema['~run'].call(guarded, input, config)
    },
  }
  return guarded
}

/*
 * valibot's schemas of objects, for pages whose other scripts extend `Object.prototype`. Use these in code that browsers
 * run.
 */
export const object = ((entries: v.ObjectEntries) => guard(v.object(entries))) as typeof v.object
export const strictObject = ((entries: v.ObjectEntries) => guard(v.strictObject(entries))) as typeof v.strictObject
export const looseObject = ((entries: v.ObjectEntries) => guard(v.looseObject(entries))) as typeof v.looseObject

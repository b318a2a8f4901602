import * as v from 'valibot'
import { type InstanceNamed, isInstance } from './is-instance.ts'

/** A schema for the objects of a built-in class, of any realm; valibot's own `instance` takes this realm's only. */
export const instanceSchema = <Name extends keyof typeof globalThis & string>(name: Name) =>
  v.custom<InstanceNamed<Name>>(
    (value) => isInstance(value, name),
    ({ received }) => `Invalid type: Expected ${name} but received ${received}`,
  )

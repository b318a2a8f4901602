/** Members that may be undefined become members that may be absent. */
export type Given<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The object without its undefined members: for types that tell "absent" from "undefined", and for records that are shown. */
export function given<T extends object>(object: T): Given<T> {
  const kept: Partial<T> = {}
  for (const key of Object.keys(object) as (keyof T)[]) if (object[key] !== undefined) kept[key] = object[key]
  return kept as unknown as Given<T>
}

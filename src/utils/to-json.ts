/** Classes whose prototypes some scripts give a `toJSON`. By the language none has one. */
const builtIn = [Object, Array, String, Number, Boolean]

const isPlain = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || Array.isArray(value) || isRecord(value)

function isRecord(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Keeps what a value is, where a `toJSON` of its prototype has already made something else of it. */
function asItWas(this: unknown, key: string, made: unknown): unknown {
  const value = (this as Record<string, unknown>)[key]
  const hasOwnForm = typeof value === 'object' && value !== null && Object.hasOwn(value, 'toJSON')
  return isPlain(value) && !hasOwnForm ? value : made
}

/**
 * `JSON.stringify`, also on pages whose other scripts give arrays or strings a `toJSON` of their own, as old libraries
 * do: with theirs `[1]` becomes the text `"[1]"`.
 */
export function toJson(value: object | string | number | boolean | null, indent?: number): string {
  const isChanged = builtIn.some(({ prototype }) => 'toJSON' in prototype)
  return JSON.stringify(value, isChanged ? asItWas : undefined, indent)
}

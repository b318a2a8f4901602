import { isInstance } from '../is-instance.ts'
import { HandedOver } from './hand-over.ts'

export type AnyFunction = (...args: never[]) => unknown

/** Where a signal or a function stood: at an index, or in a property of the plain object there; and its number. */
export type Place = readonly [index: number, property: string | null, id: number]

/** Values as a message holds them. Structured clone refuses functions and signals, so they travel as numbers. */
export interface PackedValues {
  readonly values: readonly unknown[]
  readonly signals?: readonly Place[]
  readonly functions?: readonly Place[]
}

/** How one side numbers what it keeps, and what the other side makes of the numbers. */
export interface Numbering {
  signal(signal: AbortSignal): number
  function(work: AnyFunction): number
}
export interface Reviving {
  signal(id: number): AbortSignal
  function(id: number): AnyFunction
}

/** Of any realm: a frame's options have its own `Object.prototype`. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
}

/**
 * Packs arguments or an answer. Signals and functions are found among the values and one level down, in plain objects:
 * where options have them. What was handed over is added to `transfer`.
 */
export function packValues(given: readonly unknown[], numbering: Numbering, transfer: Transferable[]): PackedValues {
  const signals: Place[] = []
  const functions: Place[] = []
  const take = (value: unknown, index: number, property: string | null): boolean => {
    if (typeof value === 'function') functions.push([index, property, numbering.function(value as AnyFunction)])
    else if (isInstance(value, 'AbortSignal')) signals.push([index, property, numbering.signal(value)])
    else return false
    return true
  }
  const values = given.map((each, index) => {
    const value: unknown = each instanceof HandedOver ? each.value : each
    if (each instanceof HandedOver) transfer.push(...each.transfer)
    if (take(value, index, null)) return undefined
    if (!isPlain(value)) return value
    let copy: Record<string, unknown> | undefined
    for (const property of Object.keys(value)) {
      if (!take(value[property], index, property)) continue
      copy ??= { ...value }
      copy[property] = undefined
    }
    return copy ?? value
  })
  return {
    values,
    ...(signals.length === 0 ? {} : { signals }),
    ...(functions.length === 0 ? {} : { functions }),
  }
}

/**
 * Values that this side was sent, with their signals and functions.
 *
 * @throws {TypeError} a place that does not exist: the other side must not reach a prototype
 */
export function unpackValues({ values, signals = [], functions = [] }: PackedValues, revive: Reviving): unknown[] {
  const given = [...values]
  const put = ([index, property]: Place, value: unknown) => {
    const holder = property === null ? given : given[index]
    const key = property ?? index
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) {
      throw new TypeError('a signal or function has no place among the values')
    }
    Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
  }
  for (const place of signals) put(place, revive.signal(place[2]))
  for (const place of functions) put(place, revive.function(place[2]))
  return given
}

/** Not what every object of a page inherits. */
const ownOf = (value: object, key: string): unknown =>
  Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined

const isPlaces = (value: unknown): boolean =>
  value === undefined ||
  (Array.isArray(value) &&
    value.every(
      (place) =>
        Array.isArray(place) &&
        Number.isSafeInteger(place[0]) &&
        (place[1] === null || typeof place[1] === 'string') &&
        Number.isSafeInteger(place[2]),
    ))

/** Is this from `packValues`? Asked of all that comes from the other side, which may be of another origin. */
export const isPackedValues = (value: unknown): value is PackedValues =>
  typeof value === 'object' &&
  value !== null &&
  Array.isArray(ownOf(value, 'values')) &&
  isPlaces(ownOf(value, 'signals')) &&
  isPlaces(ownOf(value, 'functions'))

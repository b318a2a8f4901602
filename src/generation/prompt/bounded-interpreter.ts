import { type Environment, Interpreter } from '@huggingface/jinja'

type Value = ReturnType<Interpreter['evaluate']>
type Statement = Parameters<Interpreter['evaluate']>[0]
/** A part of a template, as the parser has it: its classes are not exported. */
interface Part {
  readonly type: string
  readonly [name: string]: unknown
}

/** What a template may take: the largest ones take a hundredth of it for a hundred messages. */
const most = {
  /** Parts that are evaluated, and items that they go through. */
  steps: 2_000_000,
  /** Of a text, and of a list or object if it were written down. */
  characters: 20_000_000,
}
/** A turn of a loop makes nine variables, whatever is in it. */
const stepsPerTurn = 10
/** Characters that count as a step, for what goes through them. */
const charactersPerStep = 64
/** Bytes, about, of a text of its own in a list. */
const pieceBytes = 64

const isList = (value: Value) => value.type === 'ArrayValue' || value.type === 'TupleValue'
/** Lists, and objects of all kinds. */
const itemsOf = (value: Value): Iterable<Value> | undefined => {
  if (isList(value)) return value.value as readonly Value[]
  return value.value instanceof Map ? (value.value as ReadonlyMap<string, Value>).values() : undefined
}
const sizeOf = (value: Value): number => {
  if (typeof value.value === 'string') return value.value.length / charactersPerStep
  if (isList(value)) return (value.value as readonly Value[]).length
  return value.value instanceof Map ? value.value.size : 0
}

const endless = (why: string) => new RangeError(`it ${why}`)

/** How often a text has a part, or runs of white space; at most as often as it has characters. */
function countParts(text: string, part: string | undefined): number {
  if (part === '') return text.length + 1
  let count = 0
  if (part === undefined) {
    for (const _ of text.matchAll(/\s+/g)) count += 1
    return count
  }
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1
  return count
}

/** How many places of a text or list are filled with what is given. Of these methods and filters the result may be any size. */
const placesOf: Readonly<Record<string, (of: Value, first: Value | undefined, weight: number) => number>> = {
  replace: (of, first) => countParts(String(of.value), String(first?.value ?? '')),
  join: (of, _, weight) => (isList(of) ? (of.value as readonly Value[]).length : weight),
  indent: (of) => countParts(String(of.value), '\n') + 1,
  tojson: (_of, _first, weight) => weight,
  split: (of, first) => countParts(String(of.value), typeof first?.value === 'string' ? first.value : undefined),
}

/**
 * Runs a template of somebody's model within bounds of time and memory: Jinja's own interpreter has none, and a run can't
 * be stopped from outside. What grows without an end is found before it is made.
 *
 * It throws a `RangeError` where a template takes more than `most`, and what the interpreter throws.
 */
export class BoundedInterpreter extends Interpreter {
  #steps = 0
  #namespaces = 0
  readonly #weights = new WeakMap<Value, number>()
  /** Parts of which one item is taken, however large they are. */
  readonly #indexed = new WeakSet<object>()
  /** Parts whose items are looped over. */
  readonly #looped = new WeakSet<object>()
  /** Values that stand in the place of parts that were evaluated. */
  readonly #held = new WeakMap<object, Value>()

  override evaluate(statement: Statement, environment: Environment): Value {
    if (statement === undefined) return super.evaluate(statement, environment)
    const held = this.#held.get(statement)
    if (held !== undefined) return held
    this.#charge(1)
    const part = statement as unknown as Part
    const value = this.#find(part, environment) ?? super.evaluate(this.#prepare(part, environment), environment)
    if (!this.#indexed.has(statement)) this.#charge(sizeOf(value) * (this.#looped.has(statement) ? stepsPerTurn : 1))
    if (this.#weigh(value) > most.characters) throw endless('writes without an end')
    return value
  }

  #charge(steps: number): void {
    this.#steps += steps
    if (this.#steps > most.steps) throw endless('runs without an end')
  }

  /** A variable. The interpreter's own search throws and catches an error for each that is not there. */
  #find({ type, value }: Part, environment: Environment): Value | undefined {
    if (type !== 'Identifier') return undefined
    for (let scope: Environment | undefined = environment; scope !== undefined; scope = scope.parent) {
      this.#charge(1)
      const found = scope.variables.get(String(value))
      if (found !== undefined) return found
    }
    return super.evaluate(undefined, environment)
  }

  /** Characters that a value has, were it written down. A part that it has twice is written twice. */
  #weigh(value: Value): number {
    if (typeof value.value === 'string') return value.value.length
    const items = itemsOf(value)
    if (items === undefined) return 1
    const known = this.#weights.get(value)
    if (known !== undefined) return known
    const before = this.#namespaces
    let weight = 2
    for (const item of items) {
      this.#charge(1)
      weight += 2 + this.#weigh(item)
    }
    if (value.type === 'NamespaceValue') this.#namespaces += 1
    // What holds a namespace may grow; lists and objects never do.
    if (this.#namespaces === before) this.#weights.set(value, weight)
    return weight
  }

  /** The part with what it works on evaluated, where its result could be of any size. */
  #prepare(part: Part, environment: Environment): Statement {
    const same = part as unknown as Statement
    if (part.type === 'MemberExpression') {
      if ((part.property as Part).type !== 'SliceExpression') this.#indexed.add(part.object as object)
      return same
    }
    if (part.type === 'For') {
      const iterable = part.iterable as Part
      this.#looped.add(iterable.type === 'SelectExpression' ? (iterable.lhs as object) : iterable)
      return same
    }
    if (part.type === 'FilterStatement') {
      const operand = { type: 'Program', body: part.body }
      return this.#prepare({ type: 'FilterExpression', operand, filter: part.filter }, environment)
    }
    if (part.type === 'FilterExpression') {
      const filter = part.filter as Part
      if (filter.type !== 'CallExpression') {
        if (filter.value === 'length') this.#indexed.add(part.operand as object)
        return same
      }
      const operand = this.#hold(part.operand as Part, environment)
      const args = this.#checkedArgs(String((filter.callee as Part).value), operand.value, filter, environment)
      return { ...part, operand: operand.part, filter: { ...filter, args } } as unknown as Statement
    }
    const callee = part.type === 'CallExpression' ? (part.callee as Part) : undefined
    if (callee?.type !== 'MemberExpression') return same
    const object = this.#hold(callee.object as Part, environment)
    const property = callee.property as Part
    const name = callee.computed === true ? String(this.evaluate(property as never, environment).value) : property.value
    const args = this.#checkedArgs(String(name), object.value, part, environment)
    return { ...part, callee: { ...callee, object: object.part }, args } as unknown as Statement
  }

  #hold(part: Part, environment: Environment): { readonly part: Part; readonly value: Value } {
    const value = this.evaluate(part as unknown as Statement, environment)
    // Some filters look at what stands there.
    if (part.type === 'StringLiteral') return { part, value }
    const stand = { type: 'Held' }
    this.#held.set(stand, value)
    return { part: stand, value }
  }

  /** The arguments of a method or filter, evaluated. @throws {RangeError} its result would be too large */
  #checkedArgs(name: string, of: Value, call: Part, environment: Environment): readonly Part[] {
    const given: Value[] = []
    const args = (call.args as readonly Part[]).map((arg): Part => {
      const inner = ['value', 'argument'].find((key) => /^(Keyword|Spread)/.test(arg.type) && key in arg)
      const held = this.#hold(inner === undefined ? arg : (arg[inner] as Part), environment)
      given.push(...(arg.type === 'SpreadExpression' ? (itemsOf(held.value) ?? []) : [held.value]))
      return inner === undefined ? held.part : { ...arg, [inner]: held.part }
    })
    const places = Object.hasOwn(placesOf, name) ? placesOf[name] : undefined
    if (places === undefined) return args
    const counts = name === 'indent' || name === 'tojson'
    const amount = (value: Value) =>
      typeof value.value === 'number' ? (counts ? value.value : 0) : value.value === null ? 0 : this.#weigh(value)
    const each = name === 'split' ? pieceBytes : Math.max(0, ...given.map(amount))
    const weight = this.#weigh(of)
    if (weight + places(of, given[0], weight) * each > most.characters) throw endless('writes without an end')
    return args
  }
}

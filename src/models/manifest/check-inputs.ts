import type { WireForm } from '../../contracts/preprocessing.ts'
import type { TensorMap, TensorSpec, TensorType } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { classOf } from '../../utils/class-of.ts'
import { readGiven } from '../../utils/read-given.ts'
import { isShapeOf, toShapeText } from './shapes.ts'

/** More elements than any array can hold: dimensions beyond this are an attack or a mistake, also beside a 0. */
const maxElements = 2 ** 31

/** More dimensions than any operator takes. */
const maxRank = 64

/** The arrays an element type may lie in. Browsers that have a Float16Array give it to onnxruntime's tensors. */
const arrayNames: Record<TensorType, readonly string[]> = {
  bool: ['Uint8Array'],
  uint8: ['Uint8Array'],
  uint16: ['Uint16Array'],
  uint32: ['Uint32Array'],
  uint64: ['BigUint64Array'],
  int8: ['Int8Array'],
  int16: ['Int16Array'],
  int32: ['Int32Array'],
  int64: ['BigInt64Array'],
  float16: ['Uint16Array', 'Float16Array'],
  float32: ['Float32Array'],
  float64: ['Float64Array'],
  string: ['Array'],
}

/** Callers without types may give anything: short, and never the value's own code. */
const toText = (value: unknown): string =>
  typeof value === 'string'
    ? value.slice(0, 40)
    : typeof value === 'number'
      ? String(value)
      : withArticle(classOf(value))

const maxListed = 10
const toNames = (names: readonly string[]): string => {
  const listed = names.slice(0, maxListed).map((name) => `"${name.slice(0, 40)}"`)
  return [...listed, ...(names.length > maxListed ? ['…'] : [])].join(', ')
}

const toDimsText = (dims: readonly unknown[]): string => {
  const listed = Array.from(dims.slice(0, maxListed), toText)
  return `[${[...listed, ...(dims.length > maxListed ? ['…'] : [])].join(', ')}]`
}

/**
 * Refuses inputs that a model cannot take, before anything is sent or run. Looks at names, types, dimensions and
 * arrays; the numbers themselves may be anything, and a text anything without a NUL character. An input may also come in its wire form.
 *
 * @throws {ValidationError} `input-missing`, `input-unexpected`, `input-type`, `input-shape`, `input-values`; the
 *   sentence says what was expected and what was given
 */
export function checkInputs(manifest: InputSpecs, inputs: TensorMap): void {
  readGiven(
    () => check(manifest, inputs),
    'input-values',
    `The inputs of "${manifest.name}" cannot be read: reading them throws. Give plain objects and arrays.`,
  )
}

interface InputSpecs {
  readonly name: string
  readonly inputs: readonly TensorSpec[]
  readonly wire?: readonly WireForm[] | undefined
}

function check(manifest: InputSpecs, inputs: TensorMap): void {
  const { name: model, inputs: specs } = manifest
  const given: Record<string, unknown> = typeof inputs === 'object' && inputs !== null ? inputs : {}
  const missing = specs.filter((spec) => !Object.hasOwn(given, spec.name))
  if (missing.length > 0) {
    const names = Object.keys(given)
    const gift = names.length === 0 ? 'none was given' : `given: ${toNames(names)}`
    const wanted = toNames(missing.map((spec) => spec.name))
    throw new ValidationError('input-missing', `The model "${model}" needs the input ${wanted}; ${gift}.`)
  }
  for (const name of Object.keys(given)) {
    if (specs.some((spec) => spec.name === name)) continue
    throw new ValidationError(
      'input-unexpected',
      `The model "${model}" has no input ${toNames([name])}. Its inputs are ${toNames(specs.map((spec) => spec.name))}.`,
    )
  }
  for (const spec of specs) {
    const value = given[spec.name]
    const form = manifest.wire?.find(({ input }) => input === spec.name)
    const travels = form !== undefined && typeof value === 'object' && value !== null && 'type' in value
    checkTensor(travels && value.type === form.type ? { ...spec, type: form.type } : spec, value)
  }
}

function checkTensor(spec: TensorSpec, value: unknown): void {
  const { name, type } = spec
  if (typeof value !== 'object' || value === null || !('type' in value) || !('dims' in value) || !('data' in value)) {
    throw new ValidationError('input-type', `The input "${name}" must be a tensor with type, dims and data.`)
  }
  if (value.type !== type) {
    throw new ValidationError('input-type', `The input "${name}" must be ${type}, but is ${toText(value.type)}.`)
  }
  const dims = checkDims(spec, value.dims)
  const elements = dims.reduce((product, size) => product * size, 1)
  const data = dataOf(value, name)
  const given = classOf(data)
  const expected = arrayNames[type]
  if (!expected.includes(given) || !(ArrayBuffer.isView(data) || Array.isArray(data))) {
    throw new ValidationError(
      'input-values',
      `The data of "${name}" must be ${withArticle(expected[0] ?? type)} for ${type}, but is ${withArticle(given)}.`,
    )
  }
  const values: ArrayLike<unknown> = data as ArrayLike<unknown> & typeof data
  if (values.length !== elements) {
    throw new ValidationError(
      'input-values',
      `The input "${name}" of shape ${toDimsText(dims)} needs ${elements} values, but has ${values.length}.`,
    )
  }
  if (type === 'string') checkTexts(name, Array.from(values))
}

function checkTexts(name: string, texts: readonly unknown[]): void {
  const cut = texts.findIndex((text) => typeof text === 'string' && text.includes('\0'))
  if (!texts.every((text) => typeof text === 'string')) {
    throw new ValidationError('input-values', `The input "${name}" must hold strings only.`)
  }
  if (cut < 0) return
  // onnxruntime takes texts as C does, and would run on what stands before it, without a word.
  throw new ValidationError(
    'input-values',
    `The input "${name}" has a NUL character in its text ${cut}, where the runtime would cut it off. Take it out.`,
    { context: { input: name, index: cut } },
  )
}

function checkDims({ name, shape }: TensorSpec, dims: unknown): readonly number[] {
  const given: readonly unknown[] | undefined = Array.isArray(dims) ? dims : undefined
  // Nothing walks through more dimensions than the model may have. Array.from shows the holes of a sparse array.
  const fits = given !== undefined && (shape === undefined ? given.length <= maxRank : given.length === shape.length)
  const sizes = fits ? Array.from(given) : undefined
  if (given === undefined || sizes?.every(isSize) === false) {
    const text = given === undefined ? toText(dims) : toDimsText(given)
    throw new ValidationError('input-shape', `The dims of "${name}" must be whole numbers from 0 up, but are ${text}.`)
  }
  if (!sizes?.every(isSize) || !isShapeOf(sizes, shape)) {
    throw new ValidationError(
      'input-shape',
      `The input "${name}" must have ${shape === undefined ? `at most ${maxRank} dimensions` : `shape ${toShapeText(shape)}`}, but has ${toDimsText(given)}.`,
    )
  }
  if (sizes.reduce((product, size) => product * Math.max(1, size), 1) > maxElements) {
    throw new ValidationError('input-shape', `The input "${name}" is too large: its shape is ${toDimsText(sizes)}.`)
  }
  return sizes
}

const isSize = (size: unknown): size is number => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0

function dataOf(tensor: { readonly data: unknown }, name: string): unknown {
  try {
    return tensor.data
  } catch (error) {
    // onnxruntime's tensor throws when its data lies on the GPU or was disposed of.
    throw new ValidationError(
      'input-values',
      `The data of "${name}" cannot be read: it must be in memory, not on the GPU.`,
      {
        cause: error,
      },
    )
  }
}

const withArticle = (noun: string): string => `${/^[AEIO]|^Und/.test(noun) ? 'an' : 'a'} ${noun}`

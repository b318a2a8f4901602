import { ModelError } from '../../errors/model-error.ts'
import type { ByteSource } from '../onnx/byte-source.ts'

/** A value of a GGUF file's metadata. Whole numbers of 64 bits are numbers here, which are exact up to 2^53. */
export type GgufValue = number | boolean | string | readonly GgufValue[]

/** Where a tensor lies in a GGUF file, and how its numbers are packed. */
export interface GgufTensor {
  readonly name: string
  /** As ggml has it: the dimension whose elements lie side by side comes first. */
  readonly dims: readonly number[]
  /** `ggml_type`. */
  readonly type: number
  /** Its first byte in the file. */
  readonly start: number
}

/** What a GGUF file says of itself. */
export interface GgufFile {
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

export const unreadableGguf = (why: string, cause?: unknown) =>
  new ModelError('gguf-unreadable', `This is no GGUF model that can be read: ${why}.`, { cause })

/** A model as GGUF has them, which can't be made into one that runs here. */
export const unsupportedGguf = (why: string) =>
  new ModelError('gguf-unsupported', `This GGUF model can't be converted: ${why}.`)

const windowBytes = 1024 * 1024
/** More of each is no model that anybody made. */
const most = {
  entries: 100_000,
  tensors: 100_000,
  items: 4_000_000,
  textBytes: 16 * 1024 * 1024,
  dims: 8,
  /** Of all lists together. */
  allItems: 8_000_000,
  headBytes: 512 * 1024 * 1024,
}

/** Of `gguf_metadata_value_type`. */
const kinds = {
  bool: 7,
  text: 8,
  list: 9,
}

/** Numbers by `gguf_metadata_value_type`: their bytes, and how they are read. */
const numbers: ReadonlyMap<number, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }> =
  new Map([
    [0, { bytes: 1, read: (view, at) => view.getUint8(at) }],
    [1, { bytes: 1, read: (view, at) => view.getInt8(at) }],
    [2, { bytes: 2, read: (view, at) => view.getUint16(at, true) }],
    [3, { bytes: 2, read: (view, at) => view.getInt16(at, true) }],
    [4, { bytes: 4, read: (view, at) => view.getUint32(at, true) }],
    [5, { bytes: 4, read: (view, at) => view.getInt32(at, true) }],
    [6, { bytes: 4, read: (view, at) => view.getFloat32(at, true) }],
    [10, { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) }],
    [11, { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) }],
    [12, { bytes: 8, read: (view, at) => view.getFloat64(at, true) }],
  ])

/** Reads from the front to the back, with a megabyte of the file in memory. */
function createReader(source: ByteSource) {
  let view: DataView = new DataView(new ArrayBuffer(0))
  let [windowStart, at, items] = [0, 0, 0]

  const need = async (bytes: number): Promise<number> => {
    if (at + bytes > source.size) throw unreadableGguf('it ends too early')
    if (at + bytes > most.headBytes) throw unreadableGguf('what it says of itself has no end')
    if (at < windowStart || at + bytes > windowStart + view.byteLength) {
      const window = await source.read(at, Math.min(source.size, at + Math.max(bytes, windowBytes)))
      if (window.length < bytes) throw unreadableGguf('it ends too early')
      view = new DataView(window.buffer, window.byteOffset, window.byteLength)
      windowStart = at
    }
    const place = at - windowStart
    at += bytes
    return place
  }
  const number = async (kind: number): Promise<number> => {
    const { bytes, read } = numbers.get(kind) ?? { bytes: 0, read: undefined }
    if (read === undefined) throw unreadableGguf(`it has a value of an unknown kind, ${kind}`)
    const place = await need(bytes)
    return read(view, place)
  }
  const count = async (what: string, limit: number): Promise<number> => {
    const value = await number(10)
    if (!(value <= limit)) throw unreadableGguf(`it has ${value} ${what}`)
    return value
  }
  const text = async (): Promise<string> => {
    const bytes = await count('bytes in a text', most.textBytes)
    const place = await need(bytes)
    return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + place, bytes))
  }
  const value = async (kind: number, depth = 0): Promise<GgufValue> => {
    if (kind === kinds.text) return text()
    if (kind === kinds.bool) return (await number(0)) !== 0
    if (kind !== kinds.list) return number(kind)
    if (depth > 2) throw unreadableGguf('a list in it is too deep')
    const kindOfItems = await number(4)
    const length = await count('items in a list', most.items)
    items += length
    if (items > most.allItems) throw unreadableGguf(`it has ${items} items in its lists`)
    const list: GgufValue[] = []
    for (let index = 0; index < length; index += 1) list.push(await value(kindOfItems, depth + 1))
    return list
  }
  return { number, count, text, value, position: () => at }
}

/**
 * Reads what a GGUF file says of itself: a model's settings, its tokenizer, and where its tensors lie. No weights are
 * read.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws {ModelError} `gguf-unreadable`
 */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const { number, count, text, value, position } = createReader(source)
  if ((await number(4)) !== 0x46554747) throw unreadableGguf('it does not begin as one')
  const version = await number(4)
  if (version !== 2 && version !== 3) throw unreadableGguf(`it is of version ${version}; 2 and 3 are read`)
  const tensorCount = await count('tensors', most.tensors)
  const entryCount = await count('entries', most.entries)
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < entryCount; index += 1) {
    const key = await text()
    if (metadata.has(key)) throw unreadableGguf(`it says ${key.slice(0, 100)} twice`)
    metadata.set(key, await value(await number(4)))
  }

  const found: GgufTensor[] = []
  for (let index = 0; index < tensorCount; index += 1) {
    const name = (await text()).slice(0, 100)
    const rank = await number(4)
    if (rank > most.dims) throw unreadableGguf(`its tensor ${name} has ${rank} dimensions`)
    const dims: number[] = []
    for (let dim = 0; dim < rank; dim += 1) dims.push(await number(10))
    found.push({ name, dims, type: await number(4), start: await number(10) })
  }
  const stated = metadata.get('general.alignment')
  const alignment = typeof stated === 'number' && Number.isInteger(stated) && stated > 0 ? stated : 32
  const dataStart = Math.ceil(position() / alignment) * alignment
  const tensors = new Map<string, GgufTensor>()
  for (const tensor of found) {
    if (tensors.has(tensor.name)) throw unreadableGguf(`it has the weights ${tensor.name} twice`)
    const start = dataStart + tensor.start
    if (start > source.size) throw unreadableGguf('it ends too early')
    tensors.set(tensor.name, { ...tensor, start })
  }
  return { version, metadata, tensors }
}

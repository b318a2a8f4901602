/** A value of a GGUF file's metadata. A plain number is a whole one of 32 bits. */
export type GgufTestValue =
  | string
  | boolean
  | number
  | { readonly float: number }
  | { readonly texts: readonly string[] }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }

export interface GgufTestTensor {
  readonly name: string
  /** As ggml has it: the dimension whose elements lie side by side comes first. */
  readonly dims: readonly number[]
  /** `ggml_type` */
  readonly type: number
  readonly bytes: Uint8Array
  /** Where it lies from the first tensor on. Default: where it does. */
  readonly offset?: number
}

export interface GgufTestFile {
  readonly metadata: Readonly<Record<string, GgufTestValue>>
  readonly tensors: readonly GgufTestTensor[]
  readonly version?: number
  /** What the head says of how much follows. Default: the truth. */
  readonly counts?: { readonly tensors?: number; readonly entries?: number }
}

function createBytes() {
  const parts: Uint8Array[] = []
  let length = 0
  const push = (part: Uint8Array) => {
    parts.push(part)
    length += part.length
  }
  const number = (bytes: number, write: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(bytes))
    write(view)
    push(new Uint8Array(view.buffer))
  }
  const u32 = (value: number) => number(4, (view) => view.setUint32(0, value, true))
  const u64 = (value: number) => number(8, (view) => view.setBigUint64(0, BigInt(value), true))
  const f32 = (value: number) => number(4, (view) => view.setFloat32(0, value, true))
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value)
    u64(bytes.length)
    push(bytes)
  }
  const align = (to: number) => push(new Uint8Array((to - (length % to)) % to))
  return {
    push,
    u32,
    u64,
    f32,
    text,
    align,
    whole() {
      const whole = new Uint8Array(length)
      let at = 0
      for (const part of parts) {
        whole.set(part, at)
        at += part.length
      }
      return whole
    },
  }
}

/** Writes a GGUF file, an honest one or one that lies. */
export function writeGguf({ metadata, tensors, version = 3, counts = {} }: GgufTestFile): Uint8Array<ArrayBuffer> {
  const bytes = createBytes()
  const list = (kind: number, items: readonly (string | number)[], write: (item: never) => void) => {
    bytes.u32(9)
    bytes.u32(kind)
    bytes.u64(items.length)
    for (const item of items) write(item as never)
  }
  bytes.u32(0x46554747)
  bytes.u32(version)
  bytes.u64(counts.tensors ?? tensors.length)
  bytes.u64(counts.entries ?? Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) {
    bytes.text(key)
    if (typeof value === 'string') {
      bytes.u32(8)
      bytes.text(value)
    } else if (typeof value === 'boolean') {
      bytes.u32(7)
      bytes.push(Uint8Array.of(value ? 1 : 0))
    } else if (typeof value === 'number') {
      bytes.u32(4)
      bytes.u32(value)
    } else if ('float' in value) {
      bytes.u32(6)
      bytes.f32(value.float)
    } else if ('texts' in value) list(8, value.texts, bytes.text)
    else if ('ints' in value) list(5, value.ints, bytes.u32)
    else list(6, value.floats, bytes.f32)
  }
  let next = 0
  const placed = tensors.map((tensor) => {
    const offset = next
    next += Math.ceil(tensor.bytes.length / 32) * 32
    return { ...tensor, offset: tensor.offset ?? offset }
  })
  for (const { name, dims, type, offset } of placed) {
    bytes.text(name)
    bytes.u32(dims.length)
    for (const dim of dims) bytes.u64(dim)
    bytes.u32(type)
    bytes.u64(offset)
  }
  bytes.align(32)
  for (const tensor of tensors) {
    bytes.push(tensor.bytes)
    bytes.align(32)
  }
  return bytes.whole()
}

import { ModelError } from '../../errors/model-error.ts'
import type { ByteSource } from './byte-source.ts'

const windowBytes = 64 * 1024
/** The longest number: ten bytes. */
const maxVarintBytes = 10
/** Names, shapes and options are small: a larger one is no model that anybody made. */
const maxMessageBytes = 4 * 1024 * 1024

export const unreadable = (why: string) =>
  new ModelError('onnx-unreadable', `This is no ONNX model that can be read: ${why}.`)

/** A model as ONNX has them, which the runtime of browsers does not run. */
export const unsupported = (why: string) =>
  new ModelError('onnx-unsupported', `This ONNX model cannot run in a browser: ${why}.`)

/** A field of a protobuf message. For one with a length, its content lies from `start` to `end`. */
export interface Field {
  readonly tag: number
  readonly value: number
  readonly start: number
  readonly end: number
  readonly hasLength: boolean
}

export type OnnxCursor = ReturnType<typeof createOnnxCursor>

/**
 * Walks over a protobuf message of any size, field by field, with 64 KiB of it in memory: large fields are stepped
 * over, unread.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */
export function createOnnxCursor(source: ByteSource) {
  let window = new Uint8Array()
  let windowStart = 0

  /** Numbers are read at once where the window has them: a graph of many nodes has millions. */
  const hasVarint = (at: number) =>
    at >= windowStart && Math.min(at + maxVarintBytes, source.size) <= windowStart + window.length
  const moveWindow = async (at: number) => {
    window = new Uint8Array(await source.read(at, Math.min(source.size, at + windowBytes)))
    windowStart = at
  }
  const varint = (at: number, end: number): { readonly value: number; readonly next: number } => {
    let value = 0
    for (let index = 0; index < maxVarintBytes; index += 1) {
      if (at + index >= end) throw unreadable('it ends too early')
      const byte = window[at + index - windowStart] ?? 0
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte < 0x80) return { value, next: at + index + 1 }
    }
    throw unreadable('a number in it has no end')
  }

  return {
    /** Fields from `start` to `end`, in order. @throws {ModelError} `onnx-unreadable` */
    async *fields({ start, end }: Pick<Field, 'start' | 'end'>): AsyncGenerator<Field> {
      let at = start
      while (at < end) {
        if (!hasVarint(at)) await moveWindow(at)
        const head = varint(at, end)
        const tag = Math.floor(head.value / 8)
        const kind = head.value % 8
        if (tag === 0) throw unreadable('a field in it has no number')
        if (kind === 0 || kind === 2) {
          if (!hasVarint(head.next)) await moveWindow(head.next)
          const { value, next } = varint(head.next, end)
          if (kind === 0) {
            yield { tag, value, start: head.next, end: next, hasLength: false }
            at = next
          } else {
            if (!Number.isSafeInteger(value) || next + value > end)
              throw unreadable('a part of it is longer than the file')
            yield { tag, value, start: next, end: next + value, hasLength: true }
            at = next + value
          }
        } else if (kind === 1 || kind === 5) {
          const next = head.next + (kind === 1 ? 8 : 4)
          if (next > end) throw unreadable('it ends too early')
          yield { tag, value: 0, start: head.next, end: next, hasLength: false }
          at = next
        } else throw unreadable('it is no protobuf')
      }
    },
    /** A field's whole content. @throws {ModelError} `onnx-unreadable` when it is too large to be what it should be */
    async content({ start, end }: Field): Promise<Uint8Array> {
      if (end - start > maxMessageBytes) throw unreadable('a description in it is too large')
      if (start >= windowStart && end <= windowStart + window.length) {
        return window.slice(start - windowStart, end - windowStart)
      }
      return source.read(start, end)
    },
    /** A field's text. @throws {ModelError} as `content` */
    async text(field: Field): Promise<string> {
      return new TextDecoder().decode(await this.content(field))
    },
  }
}

import { fromFloat16Bits } from '../../../protocol/tensors/float16.ts'

/** Numbers as codes: each is `(code - middle) * scale + offset`, and the middle is 8 of 4 bits, and 128 of 8. */
export interface CodedBlocks {
  /** Two codes of 4 bits in a byte, the first one low; or one of 8 bits. */
  readonly codes: Uint8Array
  /** One for each block. */
  readonly scales: Float32Array
  /** One for each block; empty where all are 0. */
  readonly offsets: Float32Array
}

/** A format whose every number is a code of a few bits, a scale and an offset: MatMulNBits computes on these codes. */
export interface ExactCodes {
  readonly bits: 4 | 8
  /** Numbers that share a scale. */
  readonly block: 16 | 32
  readonly hasOffsets: boolean
  /** The codes of what `unpack` reads; `into` counts numbers. */
  code(view: DataView, at: number, to: CodedBlocks, into: number): void
}

/** How a tensor's numbers are packed: blocks of so many, in so many bytes. */
export interface BlockFormat {
  readonly name: string
  readonly elements: number
  readonly bytes: number
  /** The numbers of one block. */
  unpack(view: DataView, at: number, to: Float32Array, into: number): void
  readonly exact?: ExactCodes
}

/** A half-precision number, as every block's scale is one. */
export const half = (view: DataView, at: number) => fromFloat16Bits(view.getUint16(at, true))

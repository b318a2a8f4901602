import { fromFloat16Bits } from '../../protocol/tensors/float16.ts'

/** Blocks as MatMulNBits has them: `(code - zero) * scale` for each number. */
export interface CodedBlocks {
  /** Two codes of 4 bits in a byte, the first one low; or one of 8 bits. */
  readonly codes: Uint8Array
  /** One for each block. */
  readonly scales: Float32Array
  /** One for each block; empty where each is the middle of the codes, 8 or 128. */
  readonly zeros: Float32Array
}

/** A format whose every number is a code of a few bits, a scale and a zero: MatMulNBits computes on these as they are. */
export interface ExactCodes {
  readonly bits: 4 | 8
  /** Numbers that share a scale. */
  readonly block: 16 | 32
  /** Zeros are other than the middle of the codes. */
  readonly hasZeros: boolean
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

/** Writes a scale and what code 0 stands for, as a scale and a zero. */
export function setScale({ codes, scales, zeros }: CodedBlocks, into: number, scale: number, least: number): void {
  const block = into / 32
  if (scale !== 0) {
    scales[block] = scale
    zeros[block] = -least / scale
    return
  }
  // All of them are the least one: one step above its zero.
  scales[block] = least
  zeros[block] = -1
  codes.fill(0, into / 2, into / 2 + 16)
}

import type { TensorSpec } from '../../src/contracts/tensor.ts'
import { leastDims } from '../../src/models/manifest/shapes.ts'

const overheadBytes = 600
const bytesOfType = (type: string) => Number(/\d+$/.exec(type)?.[0] ?? 8) / 8

/** Bytes of a request or an answer on the wire, every free dimension at 1. */
export const tensorBytes = (specs: readonly TensorSpec[]): number =>
  specs.reduce(
    (sum, { type, shape }) =>
      sum + bytesOfType(type) * leastDims(shape).reduce((product, size) => product * Math.max(1, size), 1),
    overheadBytes,
  )

import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { leastDims } from '../../../models/manifest/shapes.ts'

/** The name, shape and framing of a request beside its tensors. */
const requestOverheadBytes = 600

export const bytesOf = (inputs: TensorMap): number =>
  Object.values(inputs).reduce(
    (sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : data.join('').length),
    requestOverheadBytes,
  )

/** Bytes of a request before there is one: every free dimension at 1, four bytes an element. */
export const typicalBytes = ({ inputs, wire }: Pick<Manifest, 'inputs' | 'wire'>): number =>
  inputs.reduce(
    (sum, { name, type, shape }) =>
      sum +
      (type === 'uint8' || wire?.some(({ input }) => input === name) ? 1 : 4) *
        leastDims(shape).reduce((a, dim) => a * Math.max(1, dim), 1),
    requestOverheadBytes,
  )

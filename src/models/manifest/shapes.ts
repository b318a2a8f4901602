/** Does a tensor of these dimensions fit this shape? `-1` in `shape` takes any size; no shape takes all dimensions. */
export const isShapeOf = (dims: readonly number[], shape: readonly number[] | undefined): boolean =>
  shape === undefined ||
  (dims.length === shape.length && shape.every((size, axis) => size === -1 || size === dims[axis]))

/** A shape for people: `[any, 1, 28, 28]`. */
export const toShapeText = (shape: readonly unknown[] | undefined): string =>
  shape === undefined ? 'any' : `[${shape.map((size) => (size === -1 ? 'any' : String(size))).join(', ')}]`

/** The smallest dimensions of a shape: each free size at one. A tensor of any number of dimensions gets one. */
export const leastDims = (shape: readonly number[] | undefined): number[] =>
  shape?.map((size) => (size < 0 ? 1 : size)) ?? [1]

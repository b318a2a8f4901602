/** Does a tensor of these dimensions fit this shape? `-1` in `shape` takes any size. */
export const isShapeOf = (dims: readonly number[], shape: readonly number[]): boolean =>
  dims.length === shape.length && shape.every((size, axis) => size === -1 || size === dims[axis])

/** A shape for people: `[any, 1, 28, 28]`. */
export const toShapeText = (shape: readonly unknown[]): string =>
  `[${shape.map((size) => (size === -1 ? 'any' : String(size))).join(', ')}]`

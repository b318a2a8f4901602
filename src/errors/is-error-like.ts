const kinds = ['[object Error]', '[object DOMException]']

/** True for errors of any realm: those of a frame or of `node:vm` are no instances of this realm's `Error`. */
export const isErrorLike = (value: unknown): value is Error =>
  value instanceof Error || kinds.includes(Object.prototype.toString.call(value))

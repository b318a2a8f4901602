/** Aborts when the first of the two does. Without a first one it is the second itself. */
export const anySignal = (given: AbortSignal | undefined, other: AbortSignal): AbortSignal =>
  given === undefined ? other : AbortSignal.any([given, other])

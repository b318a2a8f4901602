/** A run on the edge may take this many times what was predicted, and at least the least, before its worker counts as hung. */
const hungAfterTimes = 20
const hungAfterLeastMs = 10_000

/** Awake milliseconds after which a run that was predicted to take `predictedMs` counts as hung. */
export const hungAfterMs = (predictedMs: number): number => Math.max(hungAfterLeastMs, hungAfterTimes * predictedMs)

/** UTF-16 units of a text that one token may stand for: a text longer than the context times this can't fit. */
export const unitsPerToken = 64

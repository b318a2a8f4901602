/** A run of a file's chunks, from `next` up to, and without, `end`. */
export interface Segment {
  next: number
  end: number
}

/** The runs of chunks that are missing of `count`. */
export function missingRuns(count: number, has: (index: number) => boolean): readonly Segment[] {
  const runs: Segment[] = []
  for (let index = 0; index < count; index += 1) {
    if (has(index)) continue
    const last = runs.at(-1)
    if (last?.end === index) last.end = index + 1
    else runs.push({ next: index, end: index + 1 })
  }
  return runs
}

/** Cuts the runs where a connection stopped inside a chunk, so that one begins there. */
export const splitRuns = (runs: readonly Segment[], at: readonly number[]): readonly Segment[] =>
  runs.flatMap(({ next, end }) => {
    const cuts = [next, ...at.filter((index) => index > next && index < end).toSorted((a, b) => a - b), end]
    return cuts.slice(1).map((cut, index) => ({ next: cuts[index] ?? next, end: cut }))
  })

/**
 * Cuts runs into segments that several connections fetch side by side, front to back. A connection asks for a whole
 * segment and is never cut short, so no byte arrives in vain.
 *
 * @param least chunks that are worth a request of their own
 * @param most chunks of a segment: more urgent downloads wait no longer than one of these takes
 */
export function cutSegments(
  runs: readonly Segment[],
  options: { readonly connections: number; readonly least: number; readonly most: number },
): Segment[] {
  const missing = runs.reduce((sum, { next, end }) => sum + end - next, 0)
  const size = Math.max(options.least, Math.min(options.most, Math.ceil(missing / (options.connections * 2))))
  if (options.connections === 1 || missing < options.least * 2) return runs.map((run) => ({ ...run }))
  return runs.flatMap(({ next, end }) => {
    const segments: Segment[] = []
    for (let at = next; at < end; at += size) segments.push({ next: at, end: Math.min(end, at + size) })
    return segments
  })
}

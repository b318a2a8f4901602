/** The turns of one answer among those of its thread. */
export interface Turns {
  /**
   * To be awaited before each run: resolves when it is this answer's turn.
   *
   * @param isShared its run may be one with the runs of all others that say so
   */
  next(isShared?: boolean): Promise<void>
  /** It waits for something else, and the others need not wait for it; `next` puts it in the row again. */
  leave(): void
  /** Milliseconds that its runs have taken; of those that it shared, its part. */
  readonly ms: number
}

/** Runs of an answer before others have their turn: changing the conversation costs the processor's caches. */
const runsATurn = 4
/** A turn is over after so long, whatever its runs: reading a piece of a prompt takes as long as many tokens. */
const turnMs = 30

interface Waiting {
  readonly turns: object
  readonly isShared: boolean
  readonly go: (size: number) => void
}

/**
 * Lets answers have the thread in turns, a few runs at a time: one that reads a long prompt does so piece by piece, and the
 * others' tokens come between the pieces.
 *
 * Those that may share their runs have their turn together, which is as long as theirs would be one after another. Others
 * join them, and leave them, between two runs.
 *
 * @param hear lets messages that have come be read
 * @param now milliseconds on a clock that never goes back
 */
export function createTurnTaking(
  hear: () => Promise<void>,
  now: () => number = () => performance.now(),
): { open(): Turns } {
  let row: Waiting[] = []
  /** Whose run is under way: each is here until it asks for its next one, or leaves. */
  const current = new Set<object>()
  /** Who had the last run. */
  let last: readonly object[] = []
  let isShared = false
  let runs = 0
  let fromMs = 0

  const start = (chosen: readonly Waiting[], isNew: boolean) => {
    if (isNew) {
      runs = 0
      fromMs = now()
    }
    runs += 1
    row = row.filter((each) => !chosen.includes(each))
    last = chosen.map(({ turns }) => turns)
    for (const { turns } of chosen) current.add(turns)
    for (const { go } of chosen) go(chosen.length)
  }
  const shared = () => row.filter((each) => each.isShared)
  /** Whose run is next. */
  const choose = () => {
    const [first] = row
    if (first === undefined) return
    const isOver = runs >= runsATurn || now() - fromMs >= turnMs * last.length
    const same = isShared ? shared() : row.filter((each) => !each.isShared && last.includes(each.turns))
    if (!isOver && same.length > 0) return start(same, false)
    isShared = first.isShared
    start(isShared ? shared() : [first], true)
  }

  return {
    open() {
      let ms = 0
      let run: { readonly fromMs: number; readonly size: number } | undefined
      const runMs = () => (run === undefined ? 0 : (now() - run.fromMs) / run.size)
      const endRun = () => {
        ms += runMs()
        run = undefined
      }
      const turns: Turns = {
        async next(mayShare = false) {
          endRun()
          await hear()
          await new Promise<void>((resolve) => {
            const go = (size: number) => {
              run = { fromMs: now(), size }
              resolve()
            }
            row.push({ turns, isShared: mayShare, go })
            current.delete(turns)
            if (current.size === 0) choose()
          })
        },
        leave() {
          endRun()
          // Its turn ends, and does not go on when it comes back.
          last = last.filter((each) => each !== turns)
          if (current.delete(turns) && current.size === 0) choose()
        },
        get ms() {
          return ms + runMs()
        },
      }
      return turns
    },
  }
}

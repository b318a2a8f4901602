/** The turns of one answer among those of its thread. */
export interface Turns {
  /** To be awaited before each run: resolves when it is this answer's turn. */
  next(): Promise<void>
  /** It waits for something else, and the others need not wait for it; `next` puts it in the row again. */
  leave(): void
  /** Milliseconds that its runs have taken. */
  readonly ms: number
}

/** Runs of an answer before others have their turn: changing the conversation costs the processor's caches. */
const runsATurn = 4
/** A turn is over after so long, whatever its runs: reading a piece of a prompt takes as long as many tokens. */
const turnMs = 30

/**
 * Lets answers have the thread in turns, a few runs at a time: one that reads a long prompt does so piece by piece, and the
 * others' tokens come between the pieces.
 *
 * @param hear lets messages that have come be read
 * @param now milliseconds on a clock that never goes back
 */
export function createTurnTaking(
  hear: () => Promise<void>,
  now: () => number = () => performance.now(),
): { open(): Turns } {
  const row: { readonly turns: object; readonly go: () => void }[] = []
  let current: object | undefined
  let runs = 0
  let fromMs = 0
  const begin = (turns: object) => {
    current = turns
    runs = 0
    fromMs = now()
  }
  const pass = () => {
    const next = row.shift()
    current = undefined
    if (next === undefined) return
    begin(next.turns)
    next.go()
  }

  return {
    open() {
      let ms = 0
      let runFromMs: number | undefined
      const endRun = () => {
        if (runFromMs !== undefined) ms += now() - runFromMs
        runFromMs = undefined
      }
      const turns: Turns = {
        async next() {
          endRun()
          await hear()
          const isOver = runs >= runsATurn || now() - fromMs >= turnMs
          if (current === turns && isOver && row.length > 0) pass()
          else if (current === turns && isOver) begin(turns)
          if (current === undefined) begin(turns)
          if (current !== turns) {
            await new Promise<void>((resolve) => row.push({ turns, go: resolve }))
          }
          runs += 1
          runFromMs = now()
        },
        leave() {
          endRun()
          if (current === turns) pass()
        },
        get ms() {
          return runFromMs === undefined ? ms : ms + now() - runFromMs
        },
      }
      return turns
    },
  }
}

/** Runs of several texts whose numbers were compared with those of each text alone. */
export interface CheckedRuns {
  /** Is this text still to be compared, in a run of so many texts with so many places each? */
  isNew(run: RunForm, ownPlaces: number): boolean
  /** These were compared, and every number was the same. */
  same(run: RunForm, ownPlaces: readonly number[]): void
  /** A number was another one, or such a run failed where each text alone did not. */
  differs(run: RunForm): void
  /** Texts of so many places or more are read alone. */
  readonly limit: number
}

/** All that a run's arithmetic may depend on, but its numbers. */
export interface RunForm {
  readonly texts: number
  /** Of each text. */
  readonly places: number
}

/** Runs in which each form is compared. One might be the same by chance. */
const trials = 2

/**
 * Remembers which runs give each text the numbers that it has alone, bit by bit.
 *
 * Nothing in the graph adds numbers of two texts, but the runtime may add one text's numbers in another order beside
 * others: it cuts large products among its threads, and how it cuts them depends on how many and how large they are. On
 * eight threads, this begins at a context of about 1,000 tokens for SmolLM2-135M. So a run is compared by its form: so
 * many texts of so many places against one text of that many, and that against the text's own places. Where one differs,
 * longer ones are no longer tried.
 */
export function createCheckedRuns(): CheckedRuns {
  const counts = new Map<string, number>()
  let limit = Number.POSITIVE_INFINITY
  const isKnown = (key: string) => (counts.get(key) ?? 0) >= trials
  const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  const ofRun = ({ texts, places }: RunForm) => `${texts} texts of ${places}`
  const ofPlaces = ({ places }: RunForm, own: number) => `${own} in ${places}`
  return {
    isNew: (run, own) => !isKnown(ofRun(run)) || !isKnown(ofPlaces(run, own)),
    same(run, compared) {
      if (compared.length === 0) return
      count(ofRun(run))
      for (const own of new Set(compared)) count(ofPlaces(run, own))
    },
    differs({ places }) {
      limit = Math.min(limit, places)
    },
    get limit() {
      return limit
    },
  }
}

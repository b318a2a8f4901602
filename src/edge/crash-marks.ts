import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { toJson } from '../utils/to-json.ts'

/** Where marks are kept: written at once, and there again after the tab has died. `localStorage` has this shape. */
export interface MarkStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

const storageKey = 'hither/crash-marks'
/** After this many tabs died while they loaded a model, it is not loaded here. */
const mostCrashes = 2
/** Memory is added and browsers are mended: after this time the model gets another chance. */
const forgetAfterMs = 7 * 24 * 3_600_000

const marksSchema = v.record(
  v.string(),
  object({
    /** Loads that were begun and have neither ended nor been left in an orderly way. */
    open: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    crashes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    atMs: v.number(),
  }),
)
type Marks = v.InferOutput<typeof marksSchema>

/**
 * Marks of loads under way. A tab that runs out of memory while it loads a model dies without a word; the mark that it
 * left tells the next one, so that a tab that dies twice does not die a third time.
 */
export interface CrashMarks {
  begin(key: string): void
  end(key: string): void
  /** Loads under way are given up in an orderly way: the page is being left. */
  leave(): void
  isSetAside(key: string): boolean
  /** The model may be loaded again, as its person asked for. */
  forgive(key: string): void
}

function systemStorage(): MarkStorage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined // a sandboxed frame or blocked site data
  }
}

/** @param storage undefined where the site may store nothing: then nothing is remembered */
export function createCrashMarks(
  storage: MarkStorage | undefined = systemStorage(),
  nowMs: () => number = Date.now,
): CrashMarks {
  const read = (): Marks => {
    try {
      const parsed = v.safeParse(marksSchema, JSON.parse(storage?.getItem(storageKey) ?? '{}'))
      return parsed.success ? parsed.output : {}
    } catch {
      return {}
    }
  }
  const write = (marks: Marks) => {
    try {
      storage?.setItem(storageKey, toJson(marks))
    } catch {
      // A full or blocked storage costs the memory of crashes, not the load.
    }
  }
  const change = (key: string, update: (mark: Marks[string]) => Marks[string] | undefined) => {
    const { [key]: mark, ...others } = read()
    const updated = update(mark ?? { open: 0, crashes: 0, atMs: nowMs() })
    write(updated === undefined ? others : { ...others, [key]: updated })
  }

  // What is open now was left so by a page that died.
  const found = Object.entries(read())
  if (found.length > 0) {
    write(
      Object.fromEntries(
        found
          .filter(([, { atMs }]) => nowMs() - atMs < forgetAfterMs)
          .map(([key, { open, crashes, atMs }]) => [key, { open: 0, crashes: crashes + Math.min(open, 1), atMs }]),
      ),
    )
  }
  const under = new Set<string>()

  return {
    begin(key) {
      under.add(key)
      change(key, ({ crashes }) => ({ open: 1, crashes, atMs: nowMs() }))
    },
    end(key) {
      under.delete(key)
      change(key, () => undefined)
    },
    leave() {
      for (const key of under) change(key, (mark) => (mark.crashes > 0 ? { ...mark, open: 0 } : undefined))
      under.clear()
    },
    isSetAside: (key) => (read()[key]?.crashes ?? 0) >= mostCrashes,
    forgive: (key) => change(key, () => undefined),
  }
}

import type { Outcome } from '../checks.ts'

/** What a part of a run says of what it tried. */
export interface Report {
  /** A pair that was tried. @param group the table that it stands in. Default: by who is asked */
  add(title: string, outcomes: readonly Outcome[], group?: string): void
  /** What was tried, with its version. */
  uses(version: string): void
  /** A line for whoever watches. */
  say(line: string): void
  /** Flags of the command line, as they were typed. */
  readonly flags: ReadonlySet<string>
}

/** A part of a run. Rejects with why it can't be had here. */
export type Part = (report: Report) => Promise<void>

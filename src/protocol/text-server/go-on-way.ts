/**
 * How a server is asked to go on with an answer that was begun elsewhere, the most exact way first.
 *
 * - `token-ids`: `/completions` with the token ids of prompt and answer
 * - `text`: `/completions` with the text of prompt and answer, as the model's chat template writes it
 * - `continue-final-message`: `/chat/completions`, the answer as the last message, with the field of this name
 * - `trailing-message`: the same without a field, where a last message of the assistant is gone on with
 * - `prefix`: the same with `prefix: true` in that message
 */
export const goOnWays = ['token-ids', 'text', 'continue-final-message', 'trailing-message', 'prefix'] as const

export type GoOnWay = (typeof goOnWays)[number]

/** What a way does to the text at the seam. Nothing of it matters by ids. */
export interface WayHabits {
  /** Blanks at the end of what is sent are cut off: most chat templates do. */
  readonly trims: boolean
  /** Blanks at the beginning of what it writes are lost. */
  readonly losesBlanks: boolean
  /** The answer begins with what was sent. */
  readonly echoes: boolean
}

/** A way that a server goes on in, and its habits. */
export interface KnownWay extends WayHabits {
  readonly way: GoOnWay
}

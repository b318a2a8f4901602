/** An answer that is handed over, as far as it is written. */
export interface AnswerSoFar {
  /** Its text that was shown: none of it is ever taken back. */
  readonly shown: string
  /** Text after it that is written and was not shown, as it may be the beginning of a stop string. */
  readonly held: string
  /** Tokens that it has so far. */
  readonly tokens: number
}

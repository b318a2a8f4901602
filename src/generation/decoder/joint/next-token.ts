import type { KeyValues } from '../key-values.ts'

/** A token that is to be read behind others. */
export interface NextToken {
  readonly id: number
  readonly before: KeyValues
}

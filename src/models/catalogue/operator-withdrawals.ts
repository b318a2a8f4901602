import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import { toJson } from '../../utils/to-json.ts'
import type { Records } from '../chunks/open-records.ts'

/** A model that an endpoint's operator said must not run any more. */
export interface OperatorWithdrawal {
  readonly name: string
  /** Absent: every revision of it. */
  readonly revision?: string | undefined
  readonly reason?: string | undefined
}

/** What operators withdrew, kept from visit to visit: it holds offline, too, until they take it back. */
export interface OperatorWithdrawals {
  /** The same array until it changes. */
  list(): Promise<readonly OperatorWithdrawal[]>
  /** @param isWhole false: something may be missing, and what was known holds beside it */
  set(withdrawn: readonly OperatorWithdrawal[], isWhole: boolean): Promise<void>
}

const key = 'withdrawn'
const schema = v.array(object({ name: v.string(), revision: v.optional(v.string()), reason: v.optional(v.string()) }))

export function createOperatorWithdrawals(records: Records): OperatorWithdrawals {
  let known: Promise<readonly OperatorWithdrawal[]> | undefined
  const list = () => {
    known ??= records.get(key).then(
      (value) => {
        const parsed = v.safeParse(schema, value)
        return parsed.success ? parsed.output : []
      },
      () => [],
    )
    return known
  }
  return {
    list,
    async set(heard, isWhole) {
      const before = await list()
      const withdrawn = isWhole ? heard : [...before, ...heard.filter((one) => !before.some(isSame(one)))]
      if (toJson(before) === toJson(withdrawn)) return
      known = Promise.resolve(withdrawn)
      // Best effort: it holds for this visit also where nothing can be written.
      await records.set(key, withdrawn).catch(() => {})
    },
  }
}

const isSame = (a: OperatorWithdrawal) => (b: OperatorWithdrawal) => a.name === b.name && a.revision === b.revision

import { ModelError } from '../../errors/model-error.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { Catalogue } from './catalogue.ts'
import type { OperatorWithdrawal } from './operator-withdrawals.ts'

/** Revisions that must not run any more, by the catalogue's word and by operators'. */
export interface Withdrawals {
  /** Without the catalogue's where that can't be read. */
  all(): Promise<readonly OperatorWithdrawal[]>
  byOperators(): Promise<readonly OperatorWithdrawal[]>
  /**
   * Removes withdrawn revisions from the store, once for each list of them. A model that the person added goes only where
   * its very revision is named: another one may have the same name.
   */
  purge(): Promise<void>
}

interface Named {
  readonly name: string
  readonly revision: string
}

const covers =
  (model: Named) =>
  ({ name, revision = model.revision }: OperatorWithdrawal): boolean =>
    name === model.name && revision === model.revision

export const isWithdrawn = (withdrawn: readonly OperatorWithdrawal[], model: Named): boolean =>
  withdrawn.some(covers(model))

export function withdrawnError({ reason }: OperatorWithdrawal, name: string, revision: string | undefined): ModelError {
  const what = revision === undefined ? `The model "${name}"` : `Revision ${revision} of "${name}"`
  return new ModelError(
    'model-withdrawn',
    `${what} was withdrawn${reason === undefined ? '' : `: ${reason.replace(/\.$/, '')}`}.`,
  )
}

/** @throws {ModelError} `model-withdrawn` */
export function assertServes(withdrawn: readonly OperatorWithdrawal[], model: Named): void {
  const gone = withdrawn.find(covers(model))
  if (gone !== undefined) throw withdrawnError(gone, model.name, model.revision)
}

const none: readonly OperatorWithdrawal[] = []

export function createWithdrawals(options: {
  readonly catalogue: Catalogue
  readonly store: ModelStore
  readonly byOperators: (() => Promise<readonly OperatorWithdrawal[]>) | undefined
}): Withdrawals {
  const { catalogue, store, byOperators = async () => none } = options
  const purgedFor: { catalogue?: unknown; operators?: unknown } = {}
  return {
    all: async () => [...(await catalogue.withdrawn().catch(() => [])), ...(await byOperators())],
    byOperators,
    async purge() {
      const listed = await catalogue.withdrawn().catch(() => undefined)
      const operators = await byOperators()
      if (purgedFor.catalogue === listed && purgedFor.operators === operators) return
      const notes = await store.notes.all()
      for (const record of await store.records()) {
        const isOwn = notes.get(record.name)?.added?.manifest.revision === record.revision
        const meant = [...(listed ?? []), ...operators].filter(({ revision }) => !isOwn || revision !== undefined)
        if (!isWithdrawn(meant, record)) continue
        if (isOwn) await store.notes.change(record.name, { added: undefined })
        await store.remove(record)
      }
      Object.assign(purgedFor, { catalogue: listed, operators })
    },
  }
}

import * as v from 'valibot'
import { catalogSchema } from '../../contracts/manifest.ts'
import type { Records } from '../chunks/open-records.ts'
import type { ModelStore } from '../store/model-store.ts'
import { copyPrefix } from './catalogue.ts'

/** Names in every catalogue that this browser has a copy of: pages of one origin may have several. */
async function namesInCopies(records: Records): Promise<ReadonlySet<string>> {
  const copies = await records.getMany(await records.keys(copyPrefix))
  return new Set(
    copies.flatMap((copy) => {
      const catalog = v.safeParse(catalogSchema, copy)
      return catalog.success ? catalog.output.models.map(({ name }) => name) : []
    }),
  )
}

/** Frees what is stored and no list shows. @see ModelStore.freeOrphans */
export async function freeUnlisted({ store, records }: { readonly store: ModelStore; readonly records: Records }) {
  const { notes } = store
  const listed = await namesInCopies(records)
  await store.freeOrphans(async ({ name, revision, baseUrl }) => {
    // Only what was added or imported has no address, and only that can be shown by no list.
    if (baseUrl !== '' || listed.has(name) || (await notes.isUnreadable(name))) return true
    return (await notes.get(name)).added?.manifest.revision === revision
  })
}

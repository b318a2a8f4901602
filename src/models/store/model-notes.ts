import * as v from 'valibot'
import { manifestSchema } from '../../contracts/manifest.ts'
import { object } from '../../contracts/object-schemas.ts'
import type { KeyValueStore } from '../chunks/key-value-store.ts'
import type { Locks } from '../chunks/locks.ts'

/** What is remembered of a model by its name, beside its files. Every part is optional: none is the state of a new model. */
const noteSchema = object({
  /** Never evicted to make room. */
  pinned: v.optional(v.boolean()),
  /** Its download waits for the person to resume it. */
  paused: v.optional(v.boolean()),
  /** When it was last read, in milliseconds since the epoch. */
  usedAtMs: v.optional(v.number()),
  /** Revisions whose licence the person accepted. */
  accepted: v.optional(v.array(v.string())),
  /** The revision that serves, while the catalogue has a newer one. */
  serving: v.optional(v.string()),
  /** Newer revisions that failed their canary here: not tried again. */
  refused: v.optional(v.array(v.string())),
  /**
   * A model that is in no catalogue: its manifest, the address that its files' paths are relative to, and whether its
   * name was chosen, not drawn from a file's.
   */
  added: v.optional(object({ manifest: manifestSchema, baseUrl: v.string(), isNamed: v.optional(v.boolean()) })),
})

export type ModelNote = v.InferOutput<typeof noteSchema>

export interface ModelNotes {
  get(name: string): Promise<ModelNote>
  /** Is there a note that this release can't read? A later release may have written it. */
  isUnreadable(name: string): Promise<boolean>
  /** Changes a note while no other tab does. A note with nothing in it is deleted. */
  change(name: string, change: ModelNote): Promise<void>
  del(name: string): Promise<void>
  /** Every note, by model. */
  all(): Promise<ReadonlyMap<string, ModelNote>>
}

const prefix = 'note/'

export function createModelNotes(store: KeyValueStore, locks: Locks): ModelNotes {
  const read = async (key: string): Promise<ModelNote> => {
    const { success, output } = v.safeParse(noteSchema, await store.get(key))
    return success ? output : {}
  }
  return {
    get: (name) => read(prefix + name),
    async isUnreadable(name) {
      const value = await store.get(prefix + name)
      return value !== undefined && !v.is(noteSchema, value)
    },
    change: (name, change) =>
      locks.hold(`hither-note:${name}`, async () => {
        const entries = Object.entries({ ...(await read(prefix + name)), ...change }).filter(
          ([, value]) => value !== undefined && value !== false,
        )
        if (entries.length === 0) await store.del([prefix + name])
        else await store.set(prefix + name, Object.fromEntries(entries))
      }),
    del: (name) => store.del([prefix + name]),
    async all() {
      const keys = await store.keys(prefix)
      return new Map(await Promise.all(keys.map(async (key) => [key.slice(prefix.length), await read(key)] as const)))
    },
  }
}

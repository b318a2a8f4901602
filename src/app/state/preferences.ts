import * as v from 'valibot'
import { privacyModes } from '../../index.ts'

/** What can be pretended, to see what the app would do: the link or this device is worse than it is. */
export const simulations = ['none', '3g', 'offline', 'slow-device'] as const
export type SimulationName = (typeof simulations)[number]

export const languages = ['auto', 'en', 'zh-Hans'] as const
export type Language = (typeof languages)[number]

const preferencesSchema = v.object({
  privacy: v.optional(v.picklist(privacyModes), 'any'),
  saveData: v.optional(v.boolean(), false),
  endpoint: v.optional(v.pipe(v.string(), v.maxLength(2000), v.url())),
  report: v.optional(v.boolean(), true),
  language: v.optional(v.picklist(languages), 'auto'),
})

/** What the person set, kept on this device. A token is not among it: it is never written anywhere. */
export type Preferences = v.InferOutput<typeof preferencesSchema>

const key = 'hither-preferences'

type Kept = Pick<Storage, 'getItem' | 'setItem'>

/** `localStorage`; undefined where the browser refuses it. */
function openStorage(): Kept | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

/** Reads what was kept. What can't be read is as if it had never been set. Never throws. */
export function readPreferences(storage: Kept | undefined = openStorage()): Preferences {
  try {
    return v.parse(preferencesSchema, JSON.parse(storage?.getItem(key) ?? '{}'))
  } catch {
    return v.parse(preferencesSchema, {})
  }
}

/** Keeps what is set; where the browser does not let it, it lasts as long as the page. */
export function writePreferences(preferences: Preferences, storage: Kept | undefined = openStorage()): void {
  try {
    storage?.setItem(key, JSON.stringify(preferences))
  } catch {
    // A full or forbidden storage loses a setting, not a request.
  }
}

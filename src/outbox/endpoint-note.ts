import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import type { RecordSpace } from './record-space.ts'

/** Where this origin's reports go: what a service worker, which knows no client, must be told. */
export interface EndpointNote {
  readonly baseUrl: string
  /** The endpoint asks for tokens. They are never stored: a service worker needs its own way to one. */
  readonly wantsToken: boolean
}

const key = 'endpoint'
const schema = object({ baseUrl: v.pipe(v.string(), v.url()), wantsToken: v.boolean() })

export const noteEndpoint = async (space: RecordSpace, note: EndpointNote): Promise<void> => {
  await space.change((transaction) => transaction.put(key, note))
}

export async function readEndpointNote(space: RecordSpace): Promise<EndpointNote | undefined> {
  const parsed = v.safeParse(schema, await space.change((transaction) => transaction.get(key)))
  return parsed.success ? parsed.output : undefined
}

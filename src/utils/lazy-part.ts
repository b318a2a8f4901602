import { CapabilityError } from '../errors/capability-error.ts'
import { type Lazy, lazy } from './lazy.ts'

/**
 * A part of the page's own code, fetched when it is first needed. Where that fails, the next call tries again.
 *
 * @param does completes "a part of this page that …"
 * @returns a part whose `get` rejects with {CapabilityError} `worker-unavailable` when it can't be fetched now
 */
export const lazyPart = <T>(does: string, load: () => Promise<T>): Lazy<T> =>
  lazy(
    load,
    (cause) =>
      new CapabilityError(
        'worker-unavailable',
        `A part of this page that ${does} could not be fetched. Reload the page, or try again once it is online.`,
        { cause },
      ),
  )

import { baseAddress, ownOrigin } from './page-address.ts'

interface TrustedTypes {
  readonly defaultPolicy: object | null
  /** What gives null is refused. */
  createPolicy(name: string, rules: { createScriptURL(url: string): string | null }): unknown
}

/**
 * Starts a worker also where pages must approve what could run as a script (Trusted Types): a page without a `default`
 * policy gets one that lets scripts of its own origin start, and nothing else. That name makes it apply wherever a plain
 * address is given, so that bundlers still find workers by their expression.
 *
 * @throws what `start` throws, or a TypeError that names the policy where the page allows none of that name
 */
export function startApproved(start: () => Worker): Worker {
  try {
    return start()
  } catch (error) {
    const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
    if (trustedTypes?.defaultPolicy !== null) throw error
    trustedTypes.createPolicy('default', {
      createScriptURL: (url) => (new URL(url, baseAddress()).origin === ownOrigin() ? url : null),
    })
    return start()
  }
}

interface TrustedTypes {
  /** What gives null is refused. */
  createPolicy(name: string, rules: { createScriptURL(url: string): string | null }): unknown
}

/**
 * Where pages must approve what could run as a script: workers of this origin may start, and nothing else may. The name
 * makes it apply wherever a plain address is given, so that bundlers still find workers by their expression.
 */
export function allowOwnWorkers(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
  trustedTypes?.createPolicy('default', {
    createScriptURL: (url) => (new URL(url, document.baseURI).origin === globalThis.origin ? url : null),
  })
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown
}

/**
 * Where pages must approve what could run as a script: workers of this origin may start, and nothing else may. The name
 * makes it apply wherever a plain address is given, so that bundlers still find workers by their expression.
 */
export function allowOwnWorkers(): void {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes }
  trustedTypes?.createPolicy('default', {
    createScriptURL(url) {
      if (new URL(url, document.baseURI).origin === location.origin) return url
      throw new TypeError('Only scripts of this page’s own origin may start.')
    },
  })
}

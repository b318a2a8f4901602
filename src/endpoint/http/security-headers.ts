/** Who may show an answer in a frame, and what pages may do beyond the rest. */
export interface ContentPolicyOptions {
  /** Origins that a page may send requests to, beside its own. */
  readonly connectTo: readonly string[]
  /** Origins whose pages may show this in a frame; `*` for all. Default: none. */
  readonly frameAncestors?: readonly string[]
  /**
   * It is a page: its scripts may hand only approved values to what could run them. Left out of the answers that are
   * workers' scripts: a worker has the policy of its own script, and onnxruntime's thread workers break under this.
   */
  readonly trustedTypes?: boolean
}

/**
 * With it a page may load and run nothing that does not come from this origin; `wasm-unsafe-eval` allows WebAssembly and
 * no other evaluation.
 */
export function contentPolicy({ connectTo, frameAncestors = [], trustedTypes = false }: ContentPolicyOptions): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    ['connect-src', "'self'", ...connectTo].join(' '),
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    ['frame-ancestors', ...(frameAncestors.length === 0 ? ["'none'"] : frameAncestors)].join(' '),
    // `default` is the app's own, which lets scripts of its origin start; `lit-html` makes its templates, once for each
    // copy of Lit on the page: the widget brings its own.
    ...(trustedTypes
      ? ["require-trusted-types-for 'script'", "trusted-types default lit-html 'allow-duplicates'"]
      : []),
  ].join('; ')
}

/**
 * Headers of every answer. With them the app is cross-origin isolated, which threads need.
 *
 * @param connectTo origins that the app may send requests to, beside its own; the same array while they are the same
 */
export function createSecurityHeaders(connectTo: () => readonly string[]): () => Readonly<Record<string, string>> {
  let origins: readonly string[] | undefined
  let headers: Readonly<Record<string, string>> = {}
  return () => {
    const now = connectTo()
    if (now !== origins) headers = headersFor(now)
    origins = now
    return headers
  }
}

function headersFor(connectTo: readonly string[]): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': contentPolicy({ connectTo }),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  }
}

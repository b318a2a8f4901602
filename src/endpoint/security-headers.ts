import type { FastifyInstance } from 'fastify'

/**
 * Headers of every answer. With them the app is cross-origin isolated, which threads need, and may load and run nothing
 * that does not come from this origin; `wasm-unsafe-eval` allows WebAssembly and no other evaluation.
 *
 * Trusted Types are left out on purpose: a worker's script has this policy too, and onnxruntime's threads break under them.
 *
 * @param connectTo origins that the app may send requests to, beside its own; the same array while they are the same
 */
export function addSecurityHeaders(app: FastifyInstance, connectTo: () => readonly string[]): void {
  let origins: readonly string[] | undefined
  let headers: Readonly<Record<string, string>> = {}
  app.addHook('onRequest', async (_, reply) => {
    const now = connectTo()
    if (now !== origins) headers = headersFor(now)
    origins = now
    reply.headers(headers)
  })
}

function headersFor(connectTo: readonly string[]): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "worker-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob: data:",
      ['connect-src', "'self'", ...connectTo].join(' '),
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  }
}

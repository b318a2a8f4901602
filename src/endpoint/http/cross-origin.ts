import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../../errors/config-error.ts'
import { timeoutHeader } from '../../protocol/server/metadata.ts'

/** Headers that a page of another origin can't read unless they are named. */
const exposedHeaders = ['Inference-Header-Content-Length', 'Server-Timing', 'Retry-After']

/** Chromium's limit; a longer one would be cut to it. */
const preflightMaxAgeSeconds = 7200

/**
 * Lets pages of exactly these origins use the routes of `app`. Nothing is reflected, and `null` is never allowed: any
 * sandboxed frame has that origin.
 */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    // By name: a list of "*" does not include Authorization.
    allowedHeaders: [
      'Authorization',
      'Content-Encoding',
      'Content-Type',
      timeoutHeader,
      'Inference-Header-Content-Length',
      'Last-Event-ID',
      'Range',
      'traceparent',
    ],
    exposedHeaders,
    maxAge: preflightMaxAgeSeconds,
    // Else an OPTIONS that is no preflight gets an answer of its own form.
    strictPreflight: false,
  })
  app.addHook('onRequest', async ({ headers: { origin } }, reply) => {
    if (origin !== undefined && origins.includes(origin)) reply.header('Timing-Allow-Origin', origin)
  })
}

/**
 * An origin as a browser writes it: scheme, host and port, nothing behind.
 *
 * @throws {ConfigError} `config-invalid` for `*`, `null` and anything else that is no http(s) origin
 */
export function parseOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (/^https?:\/\//.test(origin) && (text === origin || text === `${origin}/`)) return origin
  throw new ConfigError('config-invalid', `${text} is no origin; write one like https://www.example.com.`)
}

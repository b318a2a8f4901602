import type { FastifyInstance } from 'fastify'
import type { Codec } from '../codec/codec.ts'
import type { InferEngine } from '../engine/infer-engine.ts'
import type { ReadBody } from '../http/request-body.ts'
import type { Observe } from '../observability/observe.ts'
import type { Access } from '../security/access.ts'
import type { RequestLimits } from '../security/rate-limits.ts'

/** What the endpoint shares with the routes that are plugged into it. */
export interface PluginContext {
  readonly engine: InferEngine
  /** Reads large bodies beside the event loop. */
  readonly codec: Codec
  /** Reads a request's bytes, unpacked, within the limits that all routes share. */
  readonly readBody: ReadBody
  /** Guards a route by a token's scope: `app.get(path, { onRequest: access.requires('ops') }, …)`. */
  readonly access: Access
  /** Hooks that refuse a client's requests beyond its rate. */
  readonly limits: RequestLimits
  /** Metrics and traces of a plugin's routes. */
  readonly observe: Observe
  /** This package's version. */
  readonly version: string
  /** True once the endpoint takes no new requests. */
  readonly isDraining: () => boolean
}

/**
 * Routes of their own on the endpoint. They share its origins, security headers, error answers and closing; what they
 * add to `app` (parsers, hooks) stays among themselves. JSON bodies are parsed, and no other type is taken.
 */
export interface EndpointPlugin {
  readonly name: string
  register(app: FastifyInstance, context: PluginContext): void | Promise<void>
}

/** Each plugin in a scope of its own. */
export async function addPlugins(
  app: FastifyInstance,
  plugins: readonly EndpointPlugin[],
  context: PluginContext,
): Promise<void> {
  for (const plugin of plugins) {
    await app.register(async (scope) => {
      // A page of any origin may post text without asking first.
      scope.removeContentTypeParser('text/plain')
      await plugin.register(scope, context)
    })
  }
}

import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { refused } from './refused.ts'
import { grants } from './scopes.ts'
import type { TokenFacts, VerifyToken } from './verify-token.ts'

/** Who may use which route. */
export interface Access {
  /** True when requests must carry a token. */
  readonly guarded: boolean
  /**
   * A hook that lets a request pass whose token has this scope; for a route that depends on its parameters, a function
   * of them. Without a scope any valid token will do.
   *
   * @param options.unguarded what holds at an endpoint that knows no tokens. Default `closed`: nobody passes.
   * @throws {CloudError} `cloud-unauthorized`, with `context.status` 401 (no valid token) or 403 (not this scope)
   */
  requires(
    scope: string | undefined | ((request: FastifyRequest) => string | undefined),
    options?: { readonly unguarded?: 'open' | 'closed' },
  ): onRequestAsyncHookHandler
  /** What the token of a request says that has passed; undefined for one without. */
  tokenOf(request: FastifyRequest): TokenFacts | undefined
}

/** @param verify reads a token; undefined at an endpoint that knows none */
export function createAccess(verify: VerifyToken | undefined): Access {
  const tokens = new WeakMap<FastifyRequest, TokenFacts>()
  return {
    guarded: verify !== undefined,
    requires(scope, { unguarded = 'closed' } = {}) {
      return async (request) => {
        if (verify === undefined) {
          if (unguarded === 'open') return
          throw refused(403, 'This needs an access token, and this endpoint has been given no key to check one.')
        }
        const facts = tokens.get(request) ?? (await verify(bearerOf(request)))
        tokens.set(request, facts)
        const wanted = typeof scope === 'function' ? scope(request) : scope
        if (wanted !== undefined && !grants(facts.scopes, wanted)) {
          throw refused(403, `The access token does not allow ${wanted}.`)
        }
      }
    },
    tokenOf: (request) => tokens.get(request),
  }
}

/** From the header alone: an address ends up in logs. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string {
  const [, token] = /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? '') ?? []
  if (token === undefined) throw refused(401, 'This needs an access token: send it as "Authorization: Bearer …".')
  return token
}

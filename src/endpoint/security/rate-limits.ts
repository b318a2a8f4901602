import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CloudError } from '../../errors/cloud-error.ts'
import { toClientAddress } from '../http/trusted-proxies.ts'
import type { Access } from './access.ts'

/** How many requests one client may send. */
export interface RateLimitOptions {
  /** Requests a second of one token's subject, on average over ten seconds. */
  readonly perToken?: number
  /** Requests a second of one address, on average over ten seconds. */
  readonly perAddress?: number
}

type Check = (request: FastifyRequest) => Promise<void>

/** Hooks that refuse a client's requests beyond its rate, with 429 and `Retry-After`. */
export interface RequestLimits {
  readonly perAddress: Check
  readonly perToken: Check
}

const windowMs = 10_000

/** Clients that are remembered at a time; the least recent is forgotten first. */
const maxClients = 10_000

export async function createRequestLimits(
  app: FastifyInstance,
  access: Access,
  { perToken, perAddress }: RateLimitOptions = {},
): Promise<RequestLimits> {
  await app.register(rateLimit, { global: false, cache: maxClients })
  const none: Check = async () => {}
  const limit = (perSecond: number | undefined, keyOf: (request: FastifyRequest) => string | undefined): Check => {
    if (perSecond === undefined || perSecond <= 0) return none
    const check = app.createRateLimit({
      max: Math.ceil((perSecond * windowMs) / 1000),
      timeWindow: windowMs,
      keyGenerator: (request) => keyOf(request) ?? '',
    })
    return async (request) => {
      if (keyOf(request) === undefined) return
      const state = await check(request)
      if (state.isAllowed || !state.isExceeded) return
      throw new CloudError('cloud-overloaded', 'These are more requests than one client may send; slow down.', {
        context: { status: 429, retryAfterMs: state.ttl },
      })
    }
  }
  const byAddress = limit(perAddress, ({ ip }) => `address ${toClientAddress(ip)}`)
  return {
    // Health is asked by balancers, and often.
    perAddress: async (request) => (request.url.startsWith('/v2/health') ? undefined : byAddress(request)),
    perToken: limit(perToken, (request) => access.tokenOf(request)?.client),
  }
}

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ConfigError } from '../../errors/config-error.ts'
import { refused } from './refused.ts'
import { createUsedTokens } from './used-tokens.ts'

/** How an endpoint checks access tokens: JSON Web Tokens (RFC 7519), signed by the site that embeds the client. */
export interface TokenOptions {
  /** Shared secret of HS256 tokens, 32 bytes or more. */
  readonly secret?: string
  /** Public keys of tokens signed with EdDSA, ES256 or RS256. */
  readonly keys?: JSONWebKeySet
  /** What the token's `aud` must be: this endpoint's name. */
  readonly audience: string
  /** What the token's `iss` must be. Default: anything. */
  readonly issuer?: string
  /** Seconds that the clocks may differ. Default 30. */
  readonly clockToleranceSeconds?: number
  /** Longest life of a token, from `iat` to `exp`. Default 3,600 seconds. */
  readonly maxLifetimeSeconds?: number
  /** Each token, told by its `jti`, is taken once only. Default false. */
  readonly singleUse?: boolean
}

/** What a valid token says. */
export interface TokenFacts {
  readonly subject: string
  /** Tells this token's holder from others: its subject, or the token itself where it names none. */
  readonly client: string
  readonly scopes: readonly string[]
}

/** @throws {CloudError} `cloud-unauthorized` with `context.status` 401 */
export type VerifyToken = (token: string) => Promise<TokenFacts>

/** @throws {ConfigError} `config-invalid`: a short secret, neither or both of secret and keys */
export function createVerifyToken(options: TokenOptions, now: () => Date = () => new Date()): VerifyToken {
  const { secret, keys, audience, issuer, clockToleranceSeconds = 30, maxLifetimeSeconds = 3600 } = options
  if ((secret === undefined) === (keys === undefined)) {
    throw new ConfigError('config-invalid', 'Tokens are checked with a secret or with public keys: give one of them.')
  }
  if (audience === '') throw new ConfigError('config-invalid', "Tokens need an audience: the endpoint's own name.")
  const used = options.singleUse === true ? createUsedTokens() : undefined
  const common: JWTVerifyOptions = {
    audience,
    ...(issuer === undefined ? {} : { issuer }),
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', 'iat', ...(used === undefined ? [] : ['jti'])],
  }
  // The algorithms are ours to name: what a token says of itself must not choose how it is checked.
  const verify = keys === undefined ? withSecret(secret ?? '', common) : withKeys(keys, common)

  return async (token) => {
    const payload = await read(() => verify(token, now()))
    const { exp = 0, iat = 0, jti, sub = '', scope } = payload
    if (exp - iat > maxLifetimeSeconds) throw refused(401, 'The access token is valid for longer than is allowed.')
    const nowSeconds = now().getTime() / 1000
    if (iat - clockToleranceSeconds > nowSeconds) throw refused(401, 'The access token is from the future.')
    if (used !== undefined && !used.add(jti ?? '', exp + clockToleranceSeconds, nowSeconds)) {
      throw refused(401, 'The access token was used before.')
    }
    const client = sub === '' ? `token ${token.slice(-22)}` : `subject ${sub}`
    return { subject: sub, client, scopes: typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [] }
  }
}

type Verify = (token: string, currentDate: Date) => Promise<JWTPayload>

function withSecret(secret: string, common: JWTVerifyOptions): Verify {
  const key = new TextEncoder().encode(secret)
  if (key.length < 32) throw new ConfigError('config-invalid', "The tokens' secret must have 32 bytes or more.")
  return async (token, currentDate) =>
    (await jwtVerify(token, key, { ...common, algorithms: ['HS256'], currentDate })).payload
}

function withKeys(keys: JSONWebKeySet, common: JWTVerifyOptions): Verify {
  let find: ReturnType<typeof createLocalJWKSet>
  try {
    find = createLocalJWKSet(keys)
  } catch (cause) {
    throw new ConfigError('config-invalid', "The tokens' public keys are no JSON Web Key Set.", { cause })
  }
  return async (token, currentDate) =>
    (await jwtVerify(token, find, { ...common, algorithms: ['EdDSA', 'ES256', 'RS256'], currentDate })).payload
}

/** jose's reasons name claims, never their values. */
async function read(verify: () => Promise<JWTPayload>): Promise<JWTPayload> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused(401, 'The access token has expired.')
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw refused(401, `The access token is not valid here: its ${error.claim} claim does not fit.`)
    }
    if (error instanceof errors.JOSEError) throw refused(401, 'The access token is not valid.')
    throw error
  }
}

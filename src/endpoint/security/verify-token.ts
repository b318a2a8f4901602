import {
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { ConfigError } from '../../errors/config-error.ts'
import { refused } from './refused.ts'
import { renewValue } from './renewed-value.ts'
import { readTokenKeys, type TokenKey } from './token-keys.ts'
import { createUsedTokens } from './used-tokens.ts'

/** What tokens are checked with: one of the two. */
export interface TokenSource {
  readonly secret?: string | undefined
  readonly keys?: JSONWebKeySet | undefined
}

/** How an endpoint checks access tokens: JSON Web Tokens (RFC 7519), signed by the site that embeds the client. */
export interface TokenOptions {
  /** Shared secret of HS256 tokens, 32 bytes or more. */
  readonly secret?: string | undefined
  /**
   * Public keys of tokens signed with EdDSA (Ed25519), ES256 or RS256 (2,048 bits or more). Keys may lack a `kid`: each that
   * a token may be signed with is tried. Keys for something else are left out.
   */
  readonly keys?: JSONWebKeySet | undefined
  /**
   * Gives the secret or the keys that hold now, so that they can change without a restart; undefined while they are the
   * same. While it fails, takes over 5 s, or gives what can't be used, the last good ones stay in use, and the log says so.
   */
  readonly renew?: () => Promise<TokenSource | undefined>
  /** `renew` is called when a token comes, at most so often. Default 10 seconds. */
  readonly renewSeconds?: number
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

/**
 * @param onFault called when the keys can't be renewed
 * @throws {ConfigError} `config-invalid`: a short secret, neither or both of secret and keys, keys that can't be used, or
 *   an option that would check nothing
 */
export function createVerifyToken(
  options: TokenOptions,
  now: () => Date = () => new Date(),
  onFault: (error: unknown) => void = () => {},
): VerifyToken {
  const { audience, issuer, clockToleranceSeconds = 30, maxLifetimeSeconds = 3600, renew, renewSeconds = 10 } = options
  checkTokenOptions(options)
  const used = options.singleUse === true ? createUsedTokens() : undefined
  const common: JWTVerifyOptions = {
    audience,
    ...(issuer === undefined ? {} : { issuer }),
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', 'iat', ...(used === undefined ? [] : ['jti'])],
  }
  const first = toVerify(options, common)
  const verifiers =
    renew === undefined
      ? { current: async () => first }
      : renewValue({
          first,
          load: async () => {
            const source = await renew()
            return source === undefined ? undefined : toVerify(source, common)
          },
          everyMs: renewSeconds * 1000,
          onFault,
        })

  return async (token) => {
    const verify = await verifiers.current()
    const payload = await read(() => verify(token, now()))
    const { exp = 0, iat = 0, jti, sub = '', scope } = payload
    // jose leaves these two to us. An object is another one each time that it is read: as an id it would be used twice.
    if (typeof sub !== 'string') throw notFitting('sub')
    if (used !== undefined && (typeof jti !== 'string' || jti === '')) throw notFitting('jti')
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

/** @throws {ConfigError} `config-invalid` */
function toVerify({ secret, keys }: TokenSource, common: JWTVerifyOptions): Verify {
  if ((secret === undefined) === (keys === undefined)) {
    throw new ConfigError('config-invalid', 'Tokens are checked with a secret or with public keys: give one of them.')
  }
  // The algorithms are ours to name: what a token says of itself must not choose how it is checked.
  return keys === undefined ? withSecret(secret ?? '', common) : withKeys(readTokenKeys(keys), common)
}

function withSecret(secret: string, common: JWTVerifyOptions): Verify {
  const key = new TextEncoder().encode(secret)
  if (key.length < 32) throw new ConfigError('config-invalid', "The tokens' secret must have 32 bytes or more.")
  return async (token, currentDate) =>
    (await jwtVerify(token, key, { ...common, algorithms: ['HS256'], currentDate })).payload
}

function withKeys(keys: readonly TokenKey[], common: JWTVerifyOptions): Verify {
  return async (token, currentDate) => {
    for (const { algorithm, key } of keysOf(token, keys)) {
      try {
        return (await jwtVerify(token, key, { ...common, algorithms: namesOf(algorithm), currentDate })).payload
      } catch (error) {
        // Without a name on it, only trying tells which of the keys it was.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

const namesOf = (algorithm: TokenKey['algorithm']) => (algorithm === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [algorithm])

/** The keys that a token may be signed with, by its header: those of its name, and those without one. */
function keysOf(token: string, keys: readonly TokenKey[]): readonly TokenKey[] {
  const { alg = '', kid } = readHeader(token)
  return keys.filter(
    (key) => namesOf(key.algorithm).includes(alg) && (kid === undefined || key.kid === undefined || key.kid === kid),
  )
}

function readHeader(token: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(token)
  } catch (cause) {
    throw new errors.JWTInvalid('no header', { cause })
  }
}

/** What would check nothing, though it was given: jose takes an empty issuer for none, and nothing is beyond NaN. */
function checkTokenOptions(options: TokenOptions): void {
  const { audience, issuer, clockToleranceSeconds = 0, maxLifetimeSeconds = 1, renewSeconds = 1 } = options
  const invalid = (message: string) => new ConfigError('config-invalid', message)
  if (typeof audience !== 'string' || audience.trim() === '') {
    throw invalid("Tokens need an audience: the endpoint's own name.")
  }
  if (issuer !== undefined && (typeof issuer !== 'string' || issuer.trim() === '')) {
    throw invalid("The tokens' issuer is empty: name it, or leave it out.")
  }
  const seconds = { clockToleranceSeconds, maxLifetimeSeconds, renewSeconds }
  for (const [name, value] of Object.entries(seconds)) {
    if (Number.isFinite(value) && value >= (name === 'clockToleranceSeconds' ? 0 : 1)) continue
    throw invalid(`${name} must be a number of seconds, not ${value}.`)
  }
}

const notFitting = (claim: string) =>
  refused(401, `The access token is not valid here: its ${claim} claim does not fit.`)

/** jose's reasons name claims, never their values. */
async function read(verify: () => Promise<JWTPayload>): Promise<JWTPayload> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refused(401, 'The access token has expired.')
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw notFitting(error.claim)
    }
    if (error instanceof errors.JOSEError) throw refused(401, 'The access token is not valid.')
    throw error
  }
}

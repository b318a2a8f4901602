import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JSONWebKeySet, JWK } from 'jose'
import { ConfigError } from '../../errors/config-error.ts'

/** How tokens may be signed whose key is public. */
export type TokenAlgorithm = 'EdDSA' | 'ES256' | 'RS256'

/** A public key that checks tokens. */
export interface TokenKey {
  /** Absent: it is tried on every token of its algorithm. */
  readonly kid?: string
  readonly algorithm: TokenAlgorithm
  readonly key: KeyObject
}

/** Members of a JSON Web Key that only its owner may have: RFC 7518, section 6, and RFC 8037. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** As NIST SP 800-131A and SP 800-56B ask: what is less can be forged. */
const leastRsaBits = 2048
const leastRsaExponent = 65_537n

/**
 * The keys of a set that can check tokens. Keys for something else (encryption, other algorithms) are left out, as
 * RFC 7517 asks.
 *
 * @throws {ConfigError} `config-invalid`: a private key or a secret, a weak key, one that can't be read, or none left
 */
export function readTokenKeys(set: JSONWebKeySet): readonly TokenKey[] {
  const { keys } = set as Partial<JSONWebKeySet>
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'object' || key === null)) {
    throw invalid("The tokens' public keys are no JSON Web Key Set.")
  }
  const usable = keys.flatMap((jwk, index) => readKey(jwk, `Key ${index + 1} of the tokens' set`))
  if (usable.length > 0) return usable
  throw invalid("The tokens' key set has no key that checks EdDSA (Ed25519), ES256 or RS256.")
}

function readKey(jwk: JWK, name: string): readonly TokenKey[] {
  if (jwk.kty === 'oct' || secretMembers.some((member) => member in jwk)) {
    throw invalid(`${name} is a private key or a secret. Give the public keys alone.`)
  }
  const algorithm = algorithmOf(jwk)
  if (algorithm === undefined) return []
  const key = toKeyObject(jwk, name)
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (algorithm === 'RS256' && (modulusLength < leastRsaBits || publicExponent < leastRsaExponent)) {
    throw invalid(
      `${name} is weak: an RSA key needs ${leastRsaBits} bits and an exponent of ${leastRsaExponent} or more.`,
    )
  }
  return [{ ...(typeof jwk.kid === 'string' ? { kid: jwk.kid } : {}), algorithm, key }]
}

function toKeyObject(jwk: JWK, name: string): KeyObject {
  try {
    return createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' })
  } catch (cause) {
    throw invalid(`${name} can't be read.`, cause)
  }
}

/** Undefined for a key that is not meant for checking tokens as they are taken here. */
function algorithmOf({ kty, crv, alg, use, key_ops: operations }: JWK): TokenAlgorithm | undefined {
  const signs =
    (use ?? 'sig') === 'sig' &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  const kind = `${kty} ${crv ?? ''}`.trim()
  const algorithm =
    kind === 'RSA' ? 'RS256' : kind === 'EC P-256' ? 'ES256' : kind === 'OKP Ed25519' ? 'EdDSA' : undefined
  const named = alg === 'Ed25519' ? 'EdDSA' : (alg ?? algorithm)
  return signs && named === algorithm ? algorithm : undefined
}

const invalid = (message: string, cause?: unknown) =>
  new ConfigError('config-invalid', message, cause === undefined ? {} : { cause })

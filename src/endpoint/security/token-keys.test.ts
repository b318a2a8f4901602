import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type JSONWebKeySet, type JWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { readTokenKeys } from './token-keys.ts'
import { createVerifyToken, type TokenOptions } from './verify-token.ts'

const audience = 'me'
const pairs = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}
const jwk = (key: KeyObject, more: object = {}): JWK => ({ ...key.export({ format: 'jwk' }), ...more }) as JWK
const sign = (key: KeyObject, alg: string, kid?: string) =>
  new SignJWT({ scope: 'infer:*' })
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
    .setAudience(audience)
    .setSubject('a')
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key)
const taken = { subject: 'a', scopes: ['infer:*'] }
const refused = { code: 'cloud-unauthorized', context: { status: 401 } }

describe('the keys of a set', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)('two of %s without a name: either one signs', async (alg) => {
    const [one, two, other] = [pairs[alg](), pairs[alg](), pairs[alg]()]
    const verify = createVerifyToken({ keys: { keys: [jwk(one.publicKey), jwk(two.publicKey)] }, audience })
    expect(await verify(await sign(one.privateKey, alg))).toMatchObject(taken)
    expect(await verify(await sign(two.privateKey, alg))).toMatchObject(taken)
    expect(await verify(await sign(two.privateKey, alg, 'a name of its own'))).toMatchObject(taken)
    await expect(verify(await sign(other.privateKey, alg))).rejects.toMatchObject(refused)
  })

  it('two of one name: either one signs, and none of another name does', async () => {
    const [one, two] = [pairs.ES256(), pairs.ES256()]
    const keys = [jwk(one.publicKey, { kid: 'k' }), jwk(two.publicKey, { kid: 'k' })]
    const verify = createVerifyToken({ keys: { keys }, audience })
    expect(await verify(await sign(two.privateKey, 'ES256', 'k'))).toMatchObject(taken)
    await expect(verify(await sign(two.privateKey, 'ES256', 'j'))).rejects.toMatchObject(refused)
  })

  it('leaves out keys that are for something else', async () => {
    const { publicKey, privateKey } = pairs.ES256()
    const keys = [
      jwk(pairs.RS256().publicKey, { use: 'enc' }),
      jwk(pairs.RS256().publicKey, { alg: 'PS512' }),
      jwk(pairs.ES256().publicKey, { key_ops: ['deriveBits'] }),
      jwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
      { kty: 'AKP', pub: 'x' },
      jwk(publicKey, { kid: 'mine', use: 'sig', alg: 'ES256' }),
    ]
    expect(readTokenKeys({ keys }).map(({ kid }) => kid)).toEqual(['mine'])
    const verify = createVerifyToken({ keys: { keys }, audience })
    expect(await verify(await sign(privateKey, 'ES256', 'mine'))).toMatchObject(taken)
  })

  const weak = () => generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  it.each<[string, JSONWebKeySet, string]>([
    ['an empty one', { keys: [] }, 'has no key that checks'],
    ['one with nothing to check tokens', { keys: [jwk(pairs.RS256().publicKey, { use: 'enc' })] }, 'has no key that'],
    ['a private key', { keys: [jwk(pairs.ES256().privateKey)] }, "Key 1 of the tokens' set"],
    ['one behind good ones', { keys: [jwk(pairs.ES256().publicKey), jwk(pairs.EdDSA().privateKey)] }, 'Key 2'],
    ['a secret', { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }, 'is a private key or a secret'],
    ['a short RSA key', { keys: [jwk(weak())] }, 'is weak'],
    ['an RSA key whose exponent is 1', { keys: [jwk(pairs.RS256().publicKey, { e: 'AQ' })] }, 'is weak'],
    ['a point that is on no curve', { keys: [jwk(pairs.ES256().publicKey, { x: 'AAAA' })] }, "can't be read"],
    ['no set', {} as JSONWebKeySet, 'no JSON Web Key Set'],
    ['one for no use', { keys: [jwk(pairs.ES256().publicKey, { key_ops: [] })] }, 'has no key that'],
    ['one whose uses are no list', { keys: [jwk(pairs.ES256().publicKey, { key_ops: 5 })] }, 'has no key that'],
    ['a list of nothing', { keys: [null] } as unknown as JSONWebKeySet, 'no JSON Web Key Set'],
  ])('is refused: %s', (_, keys, message) => {
    expect(() => createVerifyToken({ keys, audience })).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    { issuer: '' },
    { audience: ' ' },
    { maxLifetimeSeconds: Number.NaN },
    { maxLifetimeSeconds: Number.POSITIVE_INFINITY },
    { clockToleranceSeconds: Number.POSITIVE_INFINITY },
  ])('options that would check nothing are refused: %j', (more: Partial<TokenOptions>) => {
    const keys = { keys: [jwk(pairs.EdDSA().publicKey)] }
    expect(() => createVerifyToken({ keys, audience, ...more })).toThrow(
      expect.objectContaining({ code: 'config-invalid' }),
    )
  })
})

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createVerifyToken } from '../security/verify-token.ts'
import { readSeedBytes, readTokenFile, toKeys, toSecret } from './token-files.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-keys-'))
})
afterAll(() => rm(dir, { recursive: true }))

const sign = (key: KeyObject | Uint8Array, alg: string) =>
  new SignJWT({ scope: 'infer:*' })
    .setProtectedHeader({ alg })
    .setAudience('me')
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key)

/** What a token is worth, each time that it comes. */
const asked = async (path: string, toSource: Parameters<typeof readTokenFile>[1]) => {
  const onFault = vi.fn()
  const options = { ...(await readTokenFile(path, toSource)), renewSeconds: 1, audience: 'me' }
  vi.useFakeTimers({ toFake: ['performance'] })
  const verify = createVerifyToken(options, undefined, onFault)
  const later = () => vi.advanceTimersByTime(1_000)
  const takes = (token: string) =>
    verify(token).then(
      () => true,
      () => false,
    )
  return { takes, later, onFault }
}

it('keys that come into the file hold, and those that leave it do not, without a restart', async () => {
  const path = join(dir, 'keys.json')
  const [old, fresh] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
  const write = (...keys: KeyObject[]) =>
    writeFile(path, JSON.stringify({ keys: keys.map((key) => key.export({ format: 'jwk' })) }))
  await write(old.publicKey)
  const { takes, later, onFault } = await asked(path, toKeys)
  const [ofOld, ofFresh] = [await sign(old.privateKey, 'EdDSA'), await sign(fresh.privateKey, 'EdDSA')]
  expect([await takes(ofOld), await takes(ofFresh)]).toEqual([true, false])

  await write(old.publicKey, fresh.publicKey)
  later()
  expect([await takes(ofOld), await takes(ofFresh)]).toEqual([true, true])
  await write(fresh.publicKey)
  later()
  expect([await takes(ofOld), await takes(ofFresh)]).toEqual([false, true])

  // Half written, empty, private or gone: the last good keys stay, and the log is told once.
  for (const text of [
    '{"keys":[',
    '{"keys":[]}',
    JSON.stringify({ keys: [old.privateKey.export({ format: 'jwk' })] }),
  ]) {
    await writeFile(path, text)
    later()
    expect([await takes(ofOld), await takes(ofFresh)]).toEqual([false, true])
  }
  await rm(path)
  later()
  expect(await takes(ofFresh)).toBe(true)
  expect(onFault).toHaveBeenCalledTimes(1)
  await write(old.publicKey)
  later()
  expect([await takes(ofOld), await takes(ofFresh)]).toEqual([true, false])
  vi.useRealTimers()
})

it('a secret that is changed in its file holds without a restart, and a short one does not', async () => {
  const path = join(dir, 'secret')
  const [one, two] = ['one secret of thirty-two bytes or so', 'two secrets of thirty-two bytes or so']
  const ofTwo = await sign(new TextEncoder().encode(two), 'HS256')
  await writeFile(path, `${one}\n`)
  const { takes, later, onFault } = await asked(path, (text) => ({ secret: toSecret(text) }))
  expect(await takes(ofTwo)).toBe(false)
  await writeFile(path, `${two}\n`)
  later()
  expect(await takes(ofTwo)).toBe(true)
  await writeFile(path, 'short')
  later()
  expect(await takes(ofTwo)).toBe(true)
  expect(onFault).toHaveBeenCalledWith(expect.objectContaining({ code: 'config-invalid' }))
  vi.useRealTimers()
})

it('a file of blanks, or one that is no text, holds no secret', async () => {
  const path = join(dir, 'no-secret')
  const read = async () =>
    createVerifyToken({ ...(await readTokenFile(path, (text) => ({ secret: toSecret(text) }))), audience: 'me' })
  for (const bytes of ['', '\n', ' \n'.repeat(40), Buffer.alloc(64, 0xff)]) {
    await writeFile(path, bytes)
    await expect(read()).rejects.toMatchObject({ code: 'config-invalid' })
  }
})

it('a seed is the bytes that its file holds, and text without the end of its line', async () => {
  const path = join(dir, 'seed')
  const read = async (bytes: string | Uint8Array) => {
    await writeFile(path, bytes)
    return readSeedBytes(path)
  }
  expect(await read(Uint8Array.of(0xff, 0xfe, 0x0a))).toEqual(Uint8Array.of(0xff, 0xfe, 0x0a))
  expect(await read('ü\r\n')).toEqual(new TextEncoder().encode('ü'))
  expect(await read('\n'.repeat(40))).toHaveLength(0)
})

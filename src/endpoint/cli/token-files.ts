import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { ConfigError } from '../../errors/config-error.ts'
import type { TokenOptions, TokenSource } from '../security/verify-token.ts'

/** A key that is put into the file, or taken out of it, holds for tokens that come so much later. */
const renewSeconds = 1

/**
 * What checks tokens, as a file holds it now and while the endpoint runs: the file is read again when it has changed.
 *
 * @throws {ConfigError} `config-invalid`: it can't be read
 */
export async function readTokenFile(
  path: string,
  toSource: (text: string, path: string) => TokenSource,
): Promise<TokenSource & Pick<TokenOptions, 'renew' | 'renewSeconds'>> {
  let known = await readText(path)
  return {
    ...toSource(known, path),
    renewSeconds,
    renew: async () => {
      const text = await readText(path)
      if (text === known) return undefined
      const source = toSource(text, path)
      known = text
      return source
    },
  }
}

const keySetSchema = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) })

/** @throws {ConfigError} `config-invalid`: it is no JSON Web Key Set */
export function toKeys(text: string, path: string): TokenSource {
  try {
    return { keys: v.parse(keySetSchema, JSON.parse(text)) }
  } catch (cause) {
    throw new ConfigError('config-invalid', `${path} holds no JSON Web Key Set.`, { cause })
  }
}

/** A secret as a file holds it: a line's end at its end is the editor's, and blanks alone are no secret. */
export const toSecret = (text: string): string => (text.trim() === '' ? '' : text.replace(/\r?\n$/, ''))

/** @throws {ConfigError} `config-invalid`: the file can't be read */
export const readSecret = async (path: string): Promise<string> => toSecret(await readText(path))

/**
 * A seed as a file holds it: text without the end of its line, or any other bytes as they are.
 *
 * @throws {ConfigError} `config-invalid`: the file can't be read
 */
export async function readSeedBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readBytes(path)
  const text = toText(bytes)
  return text === undefined ? new Uint8Array(bytes) : new TextEncoder().encode(toSecret(text))
}

async function readText(path: string): Promise<string> {
  const text = toText(await readBytes(path))
  if (text !== undefined) return text
  throw new ConfigError('config-invalid', `${path} is no text (UTF-8): write the secret as base64, for example.`)
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new ConfigError('config-invalid', `${path} can not be read.`, { cause })
  }
}

/** Undefined for other bytes: read as text all the same, each of them would become the same character. */
function toText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

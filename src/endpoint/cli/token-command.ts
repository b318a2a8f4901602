import { parseArgs } from 'node:util'
import { SignJWT } from 'jose'
import { ConfigError } from '../../errors/config-error.ts'
import { toWhole } from './to-whole.ts'
import { readSecret } from './token-files.ts'

export const tokenHelp = `  --secret-file FILE   file of the secret that the endpoint was given, 32 bytes or more
  --audience A         what the endpoint was given as --token-audience
  --scope S            what it allows, such as "infer:digits", "infer:*", "repository",
                       "metrics", "ops" (default: infer:*)
  --subject S          whose it is; rates are counted by it (default: hither-token)
  --issuer I           who issues it (default: none)
  --expires N          seconds that it lives, at most 3600 (default: 300)
`

/**
 * Makes an access token, for trying: a site's own backend makes those that its pages use.
 *
 * @throws {ConfigError} `config-invalid`, with a sentence for whoever typed it
 */
export async function makeToken(args: readonly string[], nowMs: number = Date.now()): Promise<string> {
  const { secretFile, audience, scope, subject, issuer, seconds } = parse(args)
  const key = new TextEncoder().encode(await readSecret(secretFile))
  if (key.length < 32) throw new ConfigError('config-invalid', "The tokens' secret must have 32 bytes or more.")
  const nowSeconds = Math.floor(nowMs / 1000)
  const token = new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + seconds)
    .setJti(crypto.randomUUID())
  if (issuer !== undefined) token.setIssuer(issuer)
  return token.sign(key)
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const options = { 'secret-file': text, audience: text, scope: text, subject: text, issuer: text, expires: text }
  let values: { readonly [K in keyof typeof options]?: string }
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split(/\.\s/)[0] ?? '') : String(cause)
    throw new ConfigError('config-invalid', `${message.replace(/\.$/, '')}.`)
  }
  const { 'secret-file': secretFile, audience, scope = 'infer:*', subject = 'hither-token', issuer } = values
  if (secretFile === undefined || audience === undefined) {
    throw new ConfigError('config-invalid', 'A token needs --secret-file and --audience.')
  }
  const seconds = toWhole('--expires', values.expires ?? '300', 1, 3600)
  return { secretFile, audience, scope, subject, issuer, seconds }
}

import { readFile } from 'node:fs/promises'
import type { JSONWebKeySet } from 'jose'
import * as v from 'valibot'
import { ConfigError } from '../../errors/config-error.ts'
import type { EndpointOptions } from '../plugin/endpoint-options.ts'
import { toWhole } from './to-whole.ts'

/** Flags of `hither serve` that say who may use the endpoint, and what is seen of it. */
export const securityFlags = {
  'token-secret-file': { type: 'string' },
  'token-keys': { type: 'string' },
  'token-audience': { type: 'string' },
  'token-issuer': { type: 'string' },
  'single-use-tokens': { type: 'boolean' },
  'rate-limit': { type: 'string' },
  'trust-proxy': { type: 'boolean' },
  'open-repository': { type: 'boolean' },
  'sealing-seed-file': { type: 'string' },
  'metrics-port': { type: 'string' },
  'log-level': { type: 'string' },
} as const

export const securityHelp = `  --token-secret-file FILE  ask for access tokens (JWT, HS256) signed with the secret in FILE
  --token-keys FILE    ask for access tokens signed with a key of the JSON Web Key Set in FILE
  --token-audience A   what a token's "aud" must be
  --token-issuer I     what a token's "iss" must be (default: anything)
  --single-use-tokens  take each token, told by its "jti", once only
  --rate-limit N       requests a second of one token and of one address, on average over
                       ten seconds (default: 100; 0: no limit)
  --trust-proxy        take a client's address from X-Forwarded-For; behind a proxy only
  --open-repository    let anyone load and unload models, where no tokens are asked for
  --sealing-seed-file FILE  secret that the keys for sealed requests follow from; endpoints
                       that share it open each other's (default: a random one)
  --metrics-port N     serve /metrics on a port of its own, without tokens
  --log-level L        trace, debug, info, warn, error or silent (default: warn)
`

/** What the flags said, before the files that they name are read. */
export interface SecurityFlags {
  readonly tokenSecretFile?: string
  readonly tokenKeys?: string
  readonly tokenAudience?: string
  readonly tokenIssuer?: string
  readonly singleUse: boolean
  readonly perSecond: number
  readonly trustProxy: boolean
  readonly openRepository: boolean
  readonly sealingSeedFile?: string
  readonly metricsPort?: number
  readonly logLevel: string
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

type Values = { readonly [K in keyof typeof securityFlags]?: string | boolean | undefined }

/** @throws {ConfigError} `config-invalid` */
export function parseSecurityFlags(values: Values): SecurityFlags {
  const text = (name: keyof Values, key: string) => (typeof values[name] === 'string' ? { [key]: values[name] } : {})
  const logLevel = String(values['log-level'] ?? 'warn')
  if (!levels.includes(logLevel)) {
    throw new ConfigError('config-invalid', `--log-level must be one of ${levels.join(', ')}, not ${logLevel}.`)
  }
  const { 'metrics-port': metricsPort } = values
  const asked = values['token-secret-file'] !== undefined || values['token-keys'] !== undefined
  if (asked && values['token-audience'] === undefined) {
    throw new ConfigError(
      'config-invalid',
      'Tokens need --token-audience: the endpoint\'s own name, as in their "aud".',
    )
  }
  return {
    ...text('token-secret-file', 'tokenSecretFile'),
    ...text('token-keys', 'tokenKeys'),
    ...text('token-audience', 'tokenAudience'),
    ...text('token-issuer', 'tokenIssuer'),
    singleUse: values['single-use-tokens'] === true,
    perSecond: toWhole('--rate-limit', String(values['rate-limit'] ?? '100'), 0, 1_000_000),
    trustProxy: values['trust-proxy'] === true,
    openRepository: values['open-repository'] === true,
    ...text('sealing-seed-file', 'sealingSeedFile'),
    ...(metricsPort === undefined ? {} : { metricsPort: toWhole('--metrics-port', String(metricsPort), 0, 65_535) }),
    logLevel,
  }
}

const keySetSchema = v.object({ keys: v.array(v.looseObject({ kty: v.string() })) })

/** The endpoint's options that these flags stand for. @throws {ConfigError} a file can't be read */
export async function readSecurity(flags: SecurityFlags): Promise<Partial<EndpointOptions>> {
  const { tokenSecretFile, tokenKeys, tokenAudience = '', tokenIssuer, sealingSeedFile, metricsPort, perSecond } = flags
  const common = {
    audience: tokenAudience,
    singleUse: flags.singleUse,
    ...(tokenIssuer === undefined ? {} : { issuer: tokenIssuer }),
  }
  const secret = tokenSecretFile === undefined ? undefined : await readSecret(tokenSecretFile)
  const keys = tokenKeys === undefined ? undefined : await readKeySet(tokenKeys)
  const tokens = {
    ...common,
    ...(secret === undefined ? {} : { secret }),
    ...(keys === undefined ? {} : { keys }),
  }
  return {
    ...(secret === undefined && keys === undefined ? {} : { tokens }),
    ...(sealingSeedFile === undefined ? {} : { sealingSeed: await readSeed(sealingSeedFile) }),
    ...(perSecond === 0 ? {} : { rateLimit: { perToken: perSecond, perAddress: perSecond } }),
    trustProxy: flags.trustProxy,
    openRepository: flags.openRepository,
    ...(metricsPort === undefined ? {} : { metricsPort }),
    logger: { level: flags.logLevel },
  }
}

/** A secret as a file holds it: a line's end at its end is the editor's. */
export const readSecret = async (path: string): Promise<string> => (await readText(path)).replace(/\r?\n$/, '')

async function readSeed(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const seed = new TextEncoder().encode(await readSecret(path))
  if (seed.length >= 32) return seed
  throw new ConfigError('config-invalid', `The seed in ${path} must have 32 bytes or more.`)
}

async function readKeySet(path: string): Promise<JSONWebKeySet> {
  try {
    return v.parse(keySetSchema, JSON.parse(await readText(path)))
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError('config-invalid', `${path} holds no JSON Web Key Set.`, { cause })
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('config-invalid', `${path} can not be read.`, { cause })
  }
}

import { ConfigError } from '../../errors/config-error.ts'
import { toTrustedProxies } from '../http/trusted-proxies.ts'
import type { EndpointOptions } from '../plugin/endpoint-options.ts'
import { toWhole } from './to-whole.ts'
import { readSeedBytes, readTokenFile, toKeys, toSecret } from './token-files.ts'

/** Flags of `hither serve` that say who may use the endpoint, and what is seen of it. */
export const securityFlags = {
  'token-secret-file': { type: 'string' },
  'token-keys': { type: 'string' },
  'token-audience': { type: 'string' },
  'token-issuer': { type: 'string' },
  'single-use-tokens': { type: 'boolean' },
  'rate-limit': { type: 'string' },
  'trust-proxy': { type: 'string' },
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
  --trust-proxy [N]    take a client's address from X-Forwarded-For, behind N proxies (default: 1)
                       that each add the address they see; or their networks, like 10.0.0.0/8
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
  /** False, a number of proxies, or their networks. */
  readonly trustProxy: false | number | readonly string[]
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
  checkTokenFlags(values)
  return {
    ...text('token-secret-file', 'tokenSecretFile'),
    ...text('token-keys', 'tokenKeys'),
    ...text('token-audience', 'tokenAudience'),
    ...text('token-issuer', 'tokenIssuer'),
    singleUse: values['single-use-tokens'] === true,
    perSecond: toWhole('--rate-limit', String(values['rate-limit'] ?? '100'), 0, 1_000_000),
    trustProxy: toTrustedProxies(values['trust-proxy'] ?? false),
    openRepository: values['open-repository'] === true,
    ...text('sealing-seed-file', 'sealingSeedFile'),
    ...(metricsPort === undefined ? {} : { metricsPort: toWhole('--metrics-port', String(metricsPort), 0, 65_535) }),
    logLevel,
  }
}

/** `--trust-proxy` may stand alone: then it is one proxy. */
export const withProxyCount = (args: readonly string[]): string[] =>
  args.map((arg, index) => {
    const next = args[index + 1]
    return arg === '--trust-proxy' && (next === undefined || next.startsWith('-') || next === 'serve')
      ? `${arg}=1`
      : arg
  })

/** Flags that say how tokens are checked; without a key none is, and the endpoint would be open. */
const needKey = ['token-audience', 'token-issuer', 'single-use-tokens'] as const

/** @throws {ConfigError} `config-invalid`: what is given would protect nothing */
function checkTokenFlags(values: Values): void {
  const invalid = (message: string) => new ConfigError('config-invalid', message)
  const [first, second] = (['token-secret-file', 'token-keys'] as const).filter((name) => values[name] !== undefined)
  if (second !== undefined) throw invalid(`Tokens are checked with a secret or with public keys: give one of them.`)
  if (first !== undefined) {
    if (values['token-audience'] !== undefined) return
    throw invalid('Tokens need --token-audience: the endpoint\'s own name, as in their "aud".')
  }
  const idle = needKey.find((name) => values[name] !== undefined && values[name] !== false)
  if (idle === undefined) return
  throw invalid(`--${idle} protects nothing without a key: give it with --token-secret-file or --token-keys.`)
}

/** The endpoint's options that these flags stand for. @throws {ConfigError} a file can't be read */
export async function readSecurity(flags: SecurityFlags): Promise<Partial<EndpointOptions>> {
  const { tokenSecretFile, tokenKeys, tokenAudience = '', tokenIssuer, sealingSeedFile, metricsPort, perSecond } = flags
  const source =
    tokenSecretFile !== undefined
      ? await readTokenFile(tokenSecretFile, (text) => ({ secret: toSecret(text) }))
      : tokenKeys !== undefined
        ? await readTokenFile(tokenKeys, toKeys)
        : undefined
  const tokens = {
    ...source,
    audience: tokenAudience,
    singleUse: flags.singleUse,
    ...(tokenIssuer === undefined ? {} : { issuer: tokenIssuer }),
  }
  return {
    ...(source === undefined ? {} : { tokens }),
    ...(sealingSeedFile === undefined ? {} : { sealingSeed: await readSeed(sealingSeedFile) }),
    ...(perSecond === 0 ? {} : { rateLimit: { perToken: perSecond, perAddress: perSecond } }),
    trustProxy: flags.trustProxy,
    openRepository: flags.openRepository,
    ...(metricsPort === undefined ? {} : { metricsPort }),
    logger: { level: flags.logLevel },
  }
}

async function readSeed(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const seed = await readSeedBytes(path)
  if (seed.length >= 32) return seed
  throw new ConfigError('config-invalid', `The seed in ${path} must have 32 bytes or more.`)
}

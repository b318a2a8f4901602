import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createVerifyToken } from '../security/verify-token.ts'
import { parseCli } from './parse-cli.ts'
import { readSecurity } from './security-flags.ts'
import { makeToken } from './token-command.ts'

const quiet = { singleUse: false, perSecond: 100, trustProxy: false, openRepository: false, logLevel: 'warn' }

describe('parseCli', () => {
  it('has a default for everything', () => {
    expect(parseCli(['serve'], {})).toEqual({
      port: 8420,
      host: 'localhost',
      allowOrigins: [],
      embedOn: [],
      connectTo: [],
      security: quiet,
    })
  })

  it('reads every option', () => {
    const args = 'serve --models m --app a --port 0 --host 0.0.0.0 --workers 2 --text-cache-mib 64'.split(' ')
    const more = ['--embed-on', '*', '--connect-to', 'https://infer.example']
    const origins = ['--allow-origin', 'https://a.example', '--allow-origin=http://b.example:8080/']
    expect(parseCli([...args, ...origins, ...more], { PORT: '1' })).toEqual({
      embedOn: ['*'],
      connectTo: ['https://infer.example'],
      modelsDir: 'm',
      appDir: 'a',
      port: 0,
      host: '0.0.0.0',
      workers: 2,
      textCacheBytes: 64 * 2 ** 20,
      allowOrigins: ['https://a.example', 'http://b.example:8080'],
      security: quiet,
    })
  })

  it('reads what makes it a gateway', () => {
    const args = [
      'serve',
      '--upstream',
      'http://a:8000,https://b/kserve',
      '--upstream=http://c',
      '--upstream-limit',
      '9',
    ]
    const env = { HITHER_UPSTREAM_TOKEN: 'secret' }
    expect(parseCli([...args, '--upstream-workers=4'], env)?.gateway).toEqual({
      upstreams: ['http://a:8000', 'https://b/kserve', 'http://c'],
      token: 'secret',
      maxInFlight: 9,
      workersEach: 4,
    })
    expect(parseCli(['serve', '--upstream', 'http://a'], { HITHER_UPSTREAM_TOKEN: '' })?.gateway).toEqual({
      upstreams: ['http://a'],
    })
    expect(parseCli(['serve'], env)).not.toHaveProperty('gateway')
    const texts = [
      'serve',
      '--upstream',
      'http://a,http://b',
      '--upstream-kind',
      'vllm, llama.cpp',
      '--upstream-probe=off',
    ]
    expect(parseCli(texts, {})?.gateway).toMatchObject({ kinds: ['vllm', 'llama.cpp'], probe: false })
    const streams = ['serve', '--upstream', 'http://a', '--upstream-continue=on', '--upstream-stall=500']
    expect(parseCli(streams, {})?.gateway).toMatchObject({ continues: true, stallMs: 500 })
  })

  it('reads where reports are kept, a flag before the environment', () => {
    const env = { DATABASE_URL: 'postgres://db/reports' }
    expect(parseCli(['serve'], env)?.reports).toEqual({ url: 'postgres://db/reports' })
    expect(parseCli(['serve', '--data', 'd', '--keep-days', '400'], env)?.reports).toEqual({
      dataDir: 'd',
      keepDays: 400,
    })
    expect(parseCli(['serve'], { DATABASE_URL: '' })).not.toHaveProperty('reports')
  })

  it.each([
    [['--trust-proxy'], 1],
    [['--trust-proxy', '--rate-limit', '5'], 1],
    [['--trust-proxy', '0'], false],
    [['--trust-proxy=2'], 2],
    [
      ['--trust-proxy', '10.0.0.0/8, fd00::/8,loopback'],
      ['10.0.0.0/8', 'fd00::/8', 'loopback'],
    ],
  ])('reads the proxies of %j', (args, trustProxy) => {
    expect(parseCli(['serve', ...args], {})?.security).toMatchObject({ trustProxy })
    expect(parseCli([...args, 'serve'], {})?.security).toMatchObject({ trustProxy })
  })

  it('reads the hosts that it answers for', () => {
    const args = ['serve', '--allow-host', 'Infer.Example.com', '--allow-host=*']
    expect(parseCli(args, {})?.allowHosts).toEqual(['infer.example.com', '*'])
  })

  it('takes the port from the environment', () => {
    expect(parseCli(['serve'], { PORT: '9000' })).toMatchObject({ port: 9000 })
    expect(parseCli(['serve'], { PORT: '' })).toMatchObject({ port: 8420 })
  })

  it.each([[[]], [['--help']], [['serve', '-h']]])('shows help for %j', (args) => {
    expect(parseCli(args, {})).toBeUndefined()
  })

  it.each([
    [['start'], {}, 'There is no command start; there are "serve", "token", "notice", "models" and "optimize-lm".'],
    [
      ['--port', '1'],
      {},
      'There is no command given; there are "serve", "token", "notice", "models" and "optimize-lm".',
    ],
    [['serve', 'models'], {}, 'models is one word too many; folders are given with --models and --app.'],
    [['serve', '--prot', '1'], {}, "Unknown option '--prot'."],
    [['serve', '--models'], {}, "Option '--models <value>' argument missing."],
    [['serve', '--port', 'x'], {}, '--port must be a whole number from 0 to 65535, not x.'],
    [['serve', '--port', '65536'], {}, '--port must be a whole number from 0 to 65535, not 65536.'],
    [['serve', '--port=-1'], {}, '--port must be a whole number from 0 to 65535, not -1.'],
    [['serve'], { PORT: 'x' }, 'PORT must be a whole number from 0 to 65535, not x.'],
    [
      ['serve', '--upstream', 'http://a,'],
      {},
      'An empty text is no address of an upstream; write one like http://triton:8000.',
    ],
    [
      ['serve', '--upstream', 'triton:8000'],
      {},
      'triton:8000 is no address of an upstream; write one like http://triton:8000.',
    ],
    [
      ['serve', '--upstream-limit', '3'],
      {},
      'The flags that begin with --upstream- are for a gateway; name its servers with --upstream.',
    ],
    [
      ['serve', '--upstream', 'http://a', '--upstream-kind', 'vlm'],
      {},
      'vlm is no kind of upstream; there are hither, vllm, llama.cpp, llama-cpp-python, tgi, sglang, ollama, transformers, openvino, kserve, mistral, openai.',
    ],
    [
      ['serve', '--upstream', 'http://a', '--upstream-kind', 'vllm,tgi'],
      {},
      '--upstream-kind has 2 kinds for 1 upstreams; give one for all, or each.',
    ],
    [['serve', '--upstream', 'http://a', '--upstream-probe', 'maybe'], {}, '--upstream-probe is "on" or "off".'],
    [['serve', '--upstream', 'http://a', '--upstream-continue', 'maybe'], {}, '--upstream-continue is "on" or "off".'],
    [
      ['serve', '--upstream-stall', '500'],
      {},
      'The flags that begin with --upstream- are for a gateway; name its servers with --upstream.',
    ],
    [
      ['serve', '--upstream', 'http://a', '--workers', '2'],
      {},
      'A gateway runs no models itself: leave --workers, --models and --text-cache-mib out.',
    ],
    [['serve', '--text-cache-mib', '0'], {}, '--text-cache-mib must be a whole number from 1 to 1048576, not 0.'],
    [['serve', '--workers', '0'], {}, '--workers must be a whole number from 1 to 1024, not 0.'],
    [['serve', '--allow-origin', '*'], {}, '* is no origin; write one like https://www.example.com.'],
    [['serve', '--allow-origin', 'null'], {}, 'null is no origin; write one like https://www.example.com.'],
    [
      ['serve', '--allow-origin', 'https://a.example/x'],
      {},
      'https://a.example/x is no origin; write one like https://www.example.com.',
    ],
    [['serve', '--keep-days', '30'], {}, '--keep-days must be a whole number from 61 to 36500, not 30.'],
    [['serve', '--rate-limit', 'x'], {}, '--rate-limit must be a whole number from 0 to 1000000, not x.'],
    [['serve', '--token-keys', 'x'], {}, 'Tokens need --token-audience: the endpoint\'s own name, as in their "aud".'],
    ...['--token-audience=me', '--token-issuer=me', '--single-use-tokens'].map((flag): [string[], object, string] => [
      ['serve', flag],
      {},
      `${flag.split('=')[0]} protects nothing without a key: give it with --token-secret-file or --token-keys.`,
    ]),
    [
      ['serve', '--upstream', 'http://a', '--token-audience', 'me', '--rate-limit', '5'],
      {},
      '--token-audience protects nothing without a key: give it with --token-secret-file or --token-keys.',
    ],
    [
      ['serve', '--token-keys', 'x', '--token-secret-file', 'x', '--token-audience', 'me'],
      {},
      'Tokens are checked with a secret or with public keys: give one of them.',
    ],
    [
      ['serve', '--token-keys', 'x', '--token-audience', 'me', '--token-issuer', ''],
      {},
      '--token-issuer is empty: give it a value, or leave it out.',
    ],
    [['serve', '--token-secret-file='], {}, '--token-secret-file is empty: give it a value, or leave it out.'],
    [['serve', '--allow-host', ''], {}, '--allow-host is empty: give it a value, or leave it out.'],
    [
      ['serve', '--open-ops'],
      { DATABASE_URL: '' },
      '--keep-days and --open-ops are for reports: say where these are kept, with --data or DATABASE_URL.',
    ],
    [
      ['serve', '--allow-host', 'https://a.example'],
      {},
      'https://a.example is no host name; write one like infer.example.com, without a port.',
    ],
    [
      ['serve', '--trust-proxy', '0.0.0.0/0'],
      {},
      'Trusted proxies are their number, 1 to 32, or networks like 10.0.0.0/8 or loopback, not 0.0.0.0/0.',
    ],
    [
      ['serve', '--trust-proxy=33'],
      {},
      'Trusted proxies are their number, 1 to 32, or networks like 10.0.0.0/8 or loopback, not 33.',
    ],
    [
      ['serve', '--log-level', 'loud'],
      {},
      '--log-level must be one of trace, debug, info, warn, error, fatal, silent, not loud.',
    ],
    [['serve', '--allow-origin', 'file:///x'], {}, 'file:///x is no origin; write one like https://www.example.com.'],
  ])('refuses %j with %j in one sentence', (args, env, message) => {
    expect(() => parseCli(args, env)).toThrow(expect.objectContaining({ code: 'config-invalid', message }))
  })
})

describe('what the flags of security stand for', () => {
  it('a secret, a seed and a token that fit each other', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hither-flags-'))
    const secretFile = join(dir, 'secret')
    await writeFile(secretFile, 'a secret of thirty-two bytes or so\n')
    const args = ['--token-secret-file', secretFile, '--token-audience', 'me', '--sealing-seed-file', secretFile]
    const more = ['--rate-limit', '0', '--metrics-port', '9464', '--single-use-tokens', '--open-repository']
    const parsed = parseCli(['serve', ...args, ...more], {})
    const options = parsed && (await readSecurity(parsed.security))
    expect(options).toMatchObject({
      metricsPort: 9464,
      openRepository: true,
      trustProxy: false,
      logger: { level: 'warn' },
    })
    expect(options).not.toHaveProperty('rateLimit')
    expect(options?.sealingSeed).toHaveLength(34)
    const token = await makeToken(['--secret-file', secretFile, '--audience', 'me', '--scope', 'infer:digits ops'])
    const verify = options?.tokens && createVerifyToken(options.tokens)
    expect(await verify?.(token)).toMatchObject({ subject: 'hither-token', scopes: ['infer:digits', 'ops'] })
    await expect(verify?.(token)).rejects.toMatchObject({ code: 'cloud-unauthorized' })
    await rm(dir, { recursive: true })
  })

  it.each([
    [[], 'A token needs --secret-file and --audience.'],
    [['--secret-file', '/nowhere', '--audience', 'me'], '/nowhere can not be read.'],
    [
      ['--secret-file', 'package.json', '--audience', 'me', '--expires', '7200'],
      '--expires must be a whole number from 1 to 3600, not 7200.',
    ],
    [['--scpe', 'x'], "Unknown option '--scpe'."],
  ])('no token for %j', async (args, message) => {
    await expect(makeToken(args)).rejects.toMatchObject({ code: 'config-invalid', message })
  })
})

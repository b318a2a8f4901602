import { describe, expect, it } from 'vitest'
import { parseCli } from './parse-cli.ts'

describe('parseCli', () => {
  it('has a default for everything', () => {
    expect(parseCli(['serve'], {})).toEqual({ port: 8420, host: 'localhost', allowOrigins: [] })
  })

  it('reads every option', () => {
    const args = 'serve --models m --app a --port 0 --host 0.0.0.0 --workers 2'.split(' ')
    const origins = ['--allow-origin', 'https://a.example', '--allow-origin=http://b.example:8080/']
    expect(parseCli([...args, ...origins], { PORT: '1' })).toEqual({
      modelsDir: 'm',
      appDir: 'a',
      port: 0,
      host: '0.0.0.0',
      workers: 2,
      allowOrigins: ['https://a.example', 'http://b.example:8080'],
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
  })

  it('takes the port from the environment', () => {
    expect(parseCli(['serve'], { PORT: '9000' })).toMatchObject({ port: 9000 })
    expect(parseCli(['serve'], { PORT: '' })).toMatchObject({ port: 8420 })
  })

  it.each([[[]], [['--help']], [['serve', '-h']]])('shows help for %j', (args) => {
    expect(parseCli(args, {})).toBeUndefined()
  })

  it.each([
    [['start'], {}, 'There is no command start; the only one is "serve".'],
    [['--port', '1'], {}, 'There is no command given; the only one is "serve".'],
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
      '--upstream-limit and --upstream-workers are for a gateway; name its servers with --upstream.',
    ],
    [
      ['serve', '--upstream', 'http://a', '--workers', '2'],
      {},
      'A gateway runs no models itself: leave --workers and --models out.',
    ],
    [['serve', '--workers', '0'], {}, '--workers must be a whole number from 1 to 1024, not 0.'],
    [['serve', '--allow-origin', '*'], {}, '* is no origin; write one like https://www.example.com.'],
    [['serve', '--allow-origin', 'null'], {}, 'null is no origin; write one like https://www.example.com.'],
    [
      ['serve', '--allow-origin', 'https://a.example/x'],
      {},
      'https://a.example/x is no origin; write one like https://www.example.com.',
    ],
    [['serve', '--allow-origin', 'file:///x'], {}, 'file:///x is no origin; write one like https://www.example.com.'],
  ])('refuses %j with %j in one sentence', (args, env, message) => {
    expect(() => parseCli(args, env)).toThrow(expect.objectContaining({ code: 'config-invalid', message }))
  })
})

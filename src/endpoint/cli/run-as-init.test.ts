import { EventEmitter } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runAsInit } from './run-as-init.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hither-init-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

/** A program as the child, what it wrote, and a way to signal the process before it. */
function start(program: string) {
  const log = join(dir, crypto.randomUUID())
  const init = new EventEmitter()
  const stdio = ['ignore', openSync(log, 'w'), 'inherit'] as const
  const ended = runAsInit([process.execPath, '-e', program], { init, stdio: [...stdio] })
  const wrote = () => readFileSync(log, 'utf8').trim().split('\n')
  const saw = (line: string) => vi.waitFor(() => expect(wrote()).toContain(line), { timeout: 50_000, interval: 5 })
  return { ended, saw, signal: (name: NodeJS.Signals) => init.emit(name, name) }
}

const say = (text: string) => `require('node:fs').writeSync(1, ${text} + '\\n')`
const stay = 'setInterval(() => {}, 1000)'

it('hands on every signal, and ends as its child does', async () => {
  const names = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR2', 'SIGQUIT'] as const
  const hear = names.map((name) => `process.on('${name}', () => ${say(`'${name}'`)})`).join(';')
  const last = `process.on('SIGQUIT', () => process.exit(7))`
  const { ended, saw, signal } = start(`${hear};${last};${stay};${say("'ready'")}`)
  await saw('ready')
  for (const name of names.slice(0, -1)) {
    signal(name)
    await saw(name)
  }
  signal('SIGQUIT')
  expect(await ended).toBe(7)
})

it('ends by the second signal what would not end by the first', async () => {
  const once = `process.once('SIGTERM', () => ${say("'draining'")})`
  const { ended, saw, signal } = start(`${once};${stay};${say("'ready'")}`)
  await saw('ready')
  signal('SIGTERM')
  await saw('draining')
  signal('SIGTERM')
  expect(await ended).toBe(128 + 15)
})

it('ends when its child ends itself by a signal, and while it still starts', async () => {
  expect(await start(`process.kill(process.pid, 'SIGTERM')`).ended).toBe(128 + 15)
  const { ended, saw, signal } = start(`${say("'starting'")};${stay}`)
  await saw('starting')
  signal('SIGINT')
  expect(await ended).toBe(128 + 2)
})

it('says that the program is not there', async () => {
  await expect(runAsInit([join(dir, 'nothing')], { init: new EventEmitter() })).rejects.toMatchObject({
    code: 'ENOENT',
  })
})

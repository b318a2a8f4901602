import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FakeUpstream, openFakeUpstream } from '../../testing/fake-upstream.ts'

const patiently = { timeout: 100_000, interval: 20 }

/** How a process gets the number 1 of its own; as root, or as anyone where the kernel allows it. */
const ways = [[], ['--user', '--map-root-user']].map((more) => [
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  ...more,
])
const way = ways.find((flags) => spawnSync('unshare', [...flags, 'true']).status === 0)
if (way === undefined) process.stderr.write('Skipped: this machine lets nobody be the first process (unshare --pid).\n')

let dir: string
let command: string
let upstream: FakeUpstream
const started: ChildProcess[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hither-pid-1-'))
  command = join(dir, 'bin', 'hither.js')
  const built = join(dir, 'dist', 'endpoint', 'cli')
  await mkdir(join(dir, 'bin'))
  await mkdir(built, { recursive: true })
  await writeFile(join(dir, 'package.json'), '{"type":"module"}')
  await copyFile(new URL('../../../packages/hither-endpoint/bin/hither.js', import.meta.url), command)
  // The command as it is; what it starts comes from the sources, with a shorter limit where the test says so.
  const source = (name: string) => JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href)
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const head = `import { register } from ${tsx}\nregister()\n`
  const cli = `const { main: run } = await import(${source('cli')})
export const main = (args, env) => run(args, env, env.DRAIN_MS ? { drainMs: Number(env.DRAIN_MS) } : {})\n`
  await writeFile(join(built, 'cli.js'), head + cli)
  await writeFile(
    join(built, 'run-as-init.js'),
    `${head}export const { runAsInit } = await import(${source('run-as-init')})\n`,
  )
  upstream = await openFakeUpstream({ openAiBase: '/v1' })
})
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  upstream.release()
})
afterAll(async () => {
  await upstream.stop()
  await rm(dir, { recursive: true })
})

/** The number that a child of this process has here. */
async function childOf(pid: number | undefined): Promise<number> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')
    if (stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2] === String(pid)) return Number(name)
  }
  throw new Error('no child')
}

/** A gateway as the first process, with a request under way that never ends. */
async function serve(env: Readonly<Record<string, string>> = {}) {
  const args = [...(way ?? []), process.execPath, command, 'serve', '--upstream', upstream.url, '--port', '0']
  const child = spawn('unshare', args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  started.push(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await vi.waitFor(() => {
    const [, address] = /listens on (\S+)/.exec(said) ?? []
    if (address === undefined) throw new Error('not yet')
    return address
  }, patiently)
  const first = await childOf(child.pid)
  return { url, ended, signal: (name: NodeJS.Signals) => process.kill(first, name) }
}

async function hang(url: string): Promise<void> {
  upstream.fail({ kind: 'waits' })
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"model":"parrot"}',
  }).catch(() => {})
  await vi.waitFor(() => expect(upstream.held).toBe(1), patiently)
}

/** Takes no new connections, or says that it is closing. */
const isClosing = (url: string) =>
  vi.waitFor(async () => {
    const status = await fetch(`${url}/v2`).then(
      (response) => response.status,
      () => 0,
    )
    expect([0, 503]).toContain(status)
  }, patiently)

describe.skipIf(way === undefined)('as the first process, hither serve', { timeout: 200_000 }, () => {
  it('ends by the first signal where nothing is under way', async () => {
    const { ended, signal } = await serve()
    signal('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('ends by the second signal while a request hangs', async () => {
    const { url, ended, signal } = await serve()
    await hang(url)
    signal('SIGTERM')
    await isClosing(url)
    expect(upstream.held).toBe(1)
    signal('SIGTERM')
    expect(await ended).toBe(128 + 15)
  })

  it('ends at the limit while a request hangs', async () => {
    const { url, ended, signal } = await serve({ DRAIN_MS: '500' })
    await hang(url)
    signal('SIGINT')
    expect(await ended).toBe(128 + 2)
  })
})

import { execFile, spawn } from 'node:child_process'
import { access, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

export interface PostgresFixture {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts PostgreSQL on a free port with an empty database, as an ordinary user: its server refuses to run as root.
 *
 * @returns why it can't, where its programs or an ordinary user are missing
 */
export async function openPostgres(): Promise<PostgresFixture | { readonly missing: string }> {
  const bin = await findPrograms()
  if (bin === undefined) return { missing: "PostgreSQL's server programs (initdb, postgres) are not on this machine" }
  const user = process.getuid?.() === 0 ? await ordinaryUser() : {}
  if (user === undefined) return { missing: 'this runs as root, and there is no user postgres or nobody to run it as' }

  const dir = await mkdtemp(join(tmpdir(), 'hither-postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) await chown(dir, user.uid, user.gid)
  const data = join(dir, 'data')
  const env = { ...process.env, HOME: dir, LC_ALL: 'C' }
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'hither', '-A', 'trust', '-N', '-E', 'UTF8'], {
    ...user,
    env,
    cwd: dir,
  })
  const port = await freePort()
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-k', dir, '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=40'],
    { ...user, env, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let log = ''
    server.stderr.on('data', (text: Buffer) => {
      log += text
      if (log.includes('ready to accept connections')) resolve()
    })
    server.once('error', reject)
    void ended.then(() => reject(new Error(`PostgreSQL ended: ${log}`)))
  })
  return {
    url: `postgres://hither@127.0.0.1:${port}/postgres`,
    async close() {
      // Fast shutdown: connections that are still open are ended.
      server.kill('SIGINT')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function findPrograms(): Promise<string | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => `/usr/lib/postgresql/${version}/bin`),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  for (const folder of folders) {
    const has = await Promise.all(
      ['initdb', 'postgres'].map((name) =>
        access(join(folder, name)).then(
          () => true,
          () => false,
        ),
      ),
    )
    if (has.every(Boolean)) return folder
  }
  return undefined
}

async function ordinaryUser(): Promise<{ readonly uid?: number; readonly gid?: number } | undefined> {
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(
        ['-u', '-g'].map(async (flag) => Number((await run('id', [flag, name])).stdout)),
      )
      if (uid !== undefined && gid !== undefined) return { uid, gid }
    } catch {
      // There is no such user.
    }
  }
  return undefined
}

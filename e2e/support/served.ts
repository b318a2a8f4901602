import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openReportDatabase } from '../../packages/hither-endpoint/dist/endpoint/reports/database.js'
import { openRecordingProxy } from './recording-proxy.ts'

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const hither = root('packages/hither-endpoint/bin/hither.js')
const audience = 'hither.test'

/** All files of a folder, whole. */
export const filesOf = (folder: string): Buffer[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path))

/** `hither serve` in a process of its own, as an operator starts it; before it a proxy that keeps what passes. */
export async function serveApp(
  options: {
    /** Default: the app. */
    readonly appDir?: string
    readonly withTokens?: boolean
    /** Default: the models that come with it. */
    readonly modelsDir?: string
    /** More arguments of the command. */
    readonly args?: readonly string[]
  } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'hither-served-'))
  const dataDir = join(folder, 'data')
  const secretFile = join(folder, 'secret')
  writeFileSync(secretFile, crypto.randomUUID().repeat(2))
  const { appDir = root('dist-app'), modelsDir = root('packages/hither-models/models'), withTokens = false } = options
  const { args = [] } = options
  const where = ['--port', '0', '--host', '127.0.0.1', '--app', appDir, '--models', modelsDir, '--data', dataDir]
  const access = withTokens ? ['--token-secret-file', secretFile, '--token-audience', audience] : ['--open-ops']
  let log = ''
  const start = async () => {
    const started = spawn(process.execPath, [
      hither,
      'serve',
      ...where,
      ...access,
      '--workers',
      '1',
      '--log-level',
      'trace',
      ...args,
    ])
    const ended = new Promise<number | null>((resolve) => started.once('exit', resolve))
    started.stderr.on('data', (text) => {
      log += text
    })
    const port = await new Promise<number>((resolve, reject) => {
      createInterface(started.stdout).on('line', (line) => {
        log += `${line}\n`
        const found = /^Hither listens on .*:(\d+)$/.exec(line)?.[1]
        if (found !== undefined) resolve(Number(found))
      })
      void ended.then(() => reject(new Error(`hither serve ended: ${log}`)))
    })
    const stop = async () => {
      started.kill('SIGTERM')
      await ended
    }
    return { port, stop, ended, signal: (name: NodeJS.Signals) => started.kill(name) }
  }
  let server = await start()
  const proxy = await openRecordingProxy(server.port)
  const run = (...words: readonly string[]) => execFileSync(process.execPath, [hither, ...words], { encoding: 'utf8' })

  return {
    origin: proxy.origin,
    proxy,
    /** The process's own port. */
    port: () => server.port,
    signal: (name: NodeJS.Signals) => server.signal(name),
    /** With its exit code, when the process has ended. */
    ended: () => server.ended,
    token: (scope: string) =>
      run('token', '--secret-file', secretFile, '--audience', audience, '--scope', scope, '--expires', '3600').trim(),
    /** Tells devices something, as an operator does. */
    notice: (...words: readonly string[]) => run('notice', '--data', dataDir, ...words),
    log: () => log,
    /** All that is on the endpoint's disk. */
    files: () => filesOf(folder),
    /** What was reported, one by one. */
    async reports() {
      const database = await openReportDatabase({ dataDir })
      const rows = await database.selectFrom('reports').selectAll().execute()
      await database.destroy()
      return rows
    },
    /** Ends the process and starts another one, with other keys for sealed requests. */
    async restart() {
      await server.stop()
      server = await start()
      proxy.pointTo(server.port)
    },
    async close() {
      await proxy.close()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Served = Awaited<ReturnType<typeof serveApp>>
